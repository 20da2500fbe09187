//! Where the audited folder lies in its version control.

use std::path::Path;

use super::RepoPath;

/// The folder below the top of the git work tree that holds it: what `folder` is called by tools that name every file from
/// there. The root's own path when no work tree is found.
#[must_use]
pub fn place_in_work_tree(folder: &Path) -> RepoPath {
    let Ok(folder) = folder.canonicalize() else {
        return RepoPath::new("");
    };
    // A work tree that is linked has a file of that name instead of a folder.
    let top = folder.ancestors().find(|each| each.join(".git").exists());
    let below = top.and_then(|top| folder.strip_prefix(top).ok());
    let names: Vec<_> = below
        .into_iter()
        .flat_map(Path::components)
        .map(|part| part.as_os_str().to_string_lossy())
        .collect();
    RepoPath::new(&names.join("/"))
}

#[cfg(test)]
mod tests {
    use super::place_in_work_tree;

    #[test]
    fn a_folder_is_named_from_the_top() {
        let top = tempfile::tempdir().unwrap();
        let app = top.path().join("apps/web");
        std::fs::create_dir_all(&app).unwrap();
        assert_eq!(place_in_work_tree(&top.path().join("missing")).as_str(), "");
        std::fs::create_dir(top.path().join(".git")).unwrap();
        assert_eq!(place_in_work_tree(&app).as_str(), "apps/web");
        assert_eq!(place_in_work_tree(top.path()).as_str(), "");
    }
}
