//! Tasks of `turbo.json` and `nx.json`: which others run with them.

use serde_json::Value;

use crate::source::{RepoPath, Repository, Unreadable};

use super::document::read_json;

/// A task that runs others before itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Task {
    /// Its name, without that of a package.
    pub name: String,
    /// The shell line that runs those others: `turbo run lint typecheck`.
    pub runs: String,
}

/// Reads `path` when it says how tasks depend on one another. The files of single packages add to that of the repository.
pub(super) fn read(
    repository: &Repository,
    path: &RepoPath,
    tasks: &mut Vec<Task>,
) -> Result<(), Unreadable> {
    let (runner, keys): (&str, &[&str]) = match path.file_name() {
        "turbo.json" | "turbo.jsonc" => ("turbo run", &["tasks", "pipeline"]),
        "nx.json" => ("nx run-many", &["targetDefaults"]),
        _ => return Ok(()),
    };
    let document = read_json(repository, path)?;
    for tasks_of in keys.iter().filter_map(|key| document.get(key)?.as_object()) {
        for (name, task) in tasks_of {
            let needed = needed(task);
            if !needed.is_empty() {
                tasks.push(Task {
                    name: own_name(name).to_owned(),
                    runs: format!("{runner} {}", needed.join(" ")),
                });
            }
        }
    }
    Ok(())
}

/// `"dependsOn": ["^build", "web#lint", "typecheck"]`, as names of tasks.
fn needed(task: &Value) -> Vec<&str> {
    let listed = task.get("dependsOn").and_then(Value::as_array);
    let names = listed.into_iter().flatten().filter_map(Value::as_str);
    let names = names.filter(|name| !name.starts_with('$'));
    names
        .map(|name| own_name(name.trim_start_matches('^')))
        .collect()
}

fn own_name(task: &str) -> &str {
    task.rsplit('#').next().unwrap_or(task)
}

#[cfg(test)]
mod tests {
    use super::{Task, read};
    use crate::source::{RepoPath, Repository};

    fn tasks_of(name: &str, text: &str) -> Vec<Task> {
        let mut tasks = Vec::new();
        let repository = Repository::in_memory(&[(name, text)]);
        let result = read(&repository, &RepoPath::new(name), &mut tasks);
        assert!(result.is_ok());
        tasks
    }

    #[test]
    fn what_runs_with_a_task() {
        let found = tasks_of(
            "turbo.json",
            "{ // checks\n \"tasks\": { \"static\": { \"dependsOn\": [\"web#types\", \"^lint\", \"$CI\"] }, \"dev\": {} } }",
        );
        let [task] = &*found else {
            panic!("one task runs others, and {} are found", found.len());
        };
        assert_eq!(task.name, "static");
        assert_eq!(task.runs, "turbo run types lint");
        let found = tasks_of(
            "nx.json",
            r#"{ "targetDefaults": { "test": { "dependsOn": ["build", { "target": "x" }] } } }"#,
        );
        assert_eq!(found[0].runs, "nx run-many build");
    }
}
