//! Container files: the stages of a Dockerfile with what matters of them, and the services of compose files.

use saphyr::MarkedYaml;

use crate::source::{Location, RepoPath, Repository, SourceFile, Unreadable};

use super::document::{parse_yaml, yaml_entries, yaml_get, yaml_location, yaml_texts};

/// A Dockerfile.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Dockerfile {
    /// Its file.
    pub file: RepoPath,
    /// Its stages, in order; the last one is the image.
    pub stages: Vec<Stage>,
    /// The shell lines of its `RUN` instructions, in order.
    pub runs: Vec<String>,
    /// It changes the user while it runs: `gosu`, `su-exec`.
    pub drops_root: bool,
    /// It copies a lock file that lies in no folder it may be built from, or in none where what it starts lies as well, so nobody
    /// runs what it builds.
    pub left_over: bool,
    /// What it starts is a development server.
    pub develops: bool,
    /// All of the folder that it is built from is copied into the one folder it works in.
    is_copied_whole: bool,
}

/// One `FROM` and what follows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stage {
    /// The image or the stage that it begins from, as written.
    pub from: String,
    /// `AS name`
    pub name: Option<String>,
    /// The last `USER`.
    pub user: Option<String>,
    /// It has a `HEALTHCHECK` that is not `NONE`.
    pub health_check: bool,
    /// It builds the application: `npm run build`.
    pub builds: bool,
    /// Something is copied into it.
    pub copies: bool,
    /// Docker is installed in it, or its socket named.
    pub steers_docker: bool,
    /// The last `CMD` or `ENTRYPOINT`, or both, as plain words.
    pub starts: Option<String>,
    /// The last `CMD` or `ENTRYPOINT`, else the `FROM`.
    pub location: Location,
}

impl Dockerfile {
    /// The last stage, and those that it begins from, nearest first.
    pub fn chain(&self) -> impl Iterator<Item = &Stage> {
        let mut next = self.stages.len().checked_sub(1);
        std::iter::from_fn(move || {
            let stage = self.stages.get(next?)?;
            let earlier = self.stages.get(..next?).unwrap_or_default();
            next = earlier
                .iter()
                .rposition(|other| other.name.as_deref() == Some(stage.from.as_str()));
            Some(stage)
        })
    }
}

/// A service of a compose file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ComposeService {
    /// The file.
    pub file: RepoPath,
    /// Its name.
    pub name: String,
    /// It is built from this repository.
    pub built: bool,
    /// The folder that it is built of: that of its Dockerfile.
    pub folder: Option<RepoPath>,
    /// Its ports can be reached from outside, or it may be reached there in a way of its own.
    pub published: bool,
    /// It stands in front of others, which need no ports then.
    pub in_front: bool,
    /// Its networks.
    pub networks: Vec<String>,
    /// `healthcheck`
    pub health_check: bool,
    /// `restart`, or `deploy.restart_policy`
    pub restart: bool,
    /// `mem_limit`, or `deploy.resources.limits`
    pub limits: bool,
    /// Where it stands.
    pub location: Location,
}

impl ComposeService {
    /// The file in which what is built of this folder is reached by other services alone: no port of it is published, and one of
    /// another folder is, which shares a network with it.
    #[must_use]
    pub fn hides<'s>(services: &'s [Self], folder: &RepoPath) -> Option<&'s RepoPath> {
        let is_of = |service: &&Self| service.folder.as_ref() == Some(folder);
        let own = || services.iter().filter(is_of);
        let first = own().find(|service| !service.file.is_test())?;
        if own().any(|service| service.published) {
            return None;
        }
        let beside = || services.iter().filter(|other| other.file == first.file);
        let shares = |other: &Self| {
            let mut networks = other.networks.iter();
            networks.any(|network| first.networks.contains(network))
        };
        let is_behind = beside().any(|other| {
            other.folder.is_some() && !is_of(&other) && other.published && shares(other)
        });
        (is_behind && !beside().any(|other| other.in_front)).then_some(&first.file)
    }
}

/// Words in names and images of what hands requests on to others.
const IN_FRONT: [&str; 11] = [
    "apache",
    "caddy",
    "cloudflared",
    "envoy",
    "gateway",
    "haproxy",
    "ingress",
    "kong",
    "nginx",
    "proxy",
    "traefik",
];

/// Commands that build.
const BUILDING: [&str; 9] = [
    "run build",
    "yarn build",
    "pnpm build",
    "next build",
    "turbo build",
    "turbo run build",
    "vite build",
    "nx build",
    "bun build",
];

/// Programs that give up root before they start another.
const DROPPING: [&str; 5] = ["gosu", "su-exec", "setpriv", "runuser", "s6-setuidgid"];

/// What package managers write and read again, so that a build without it stops.
const LOCKS: [&str; 6] = [
    "bun.lock",
    "bun.lockb",
    "npm-shrinkwrap.json",
    "package-lock.json",
    "pnpm-lock.yaml",
    "yarn.lock",
];

/// Packages that are Docker, or ask it for something.
const DOCKER: [&str; 5] = [
    "docker-ce",
    "docker-ce-cli",
    "docker-cli",
    "docker.io",
    "moby-engine",
];

/// Commands that start a development server.
const DEVELOPING: [&str; 9] = [
    "run dev",
    "pnpm dev",
    "yarn dev",
    "bun dev",
    "next dev",
    "vite dev",
    "turbo dev",
    "nodemon",
    "tsx watch",
];

/// `Dockerfile`, `Dockerfile.web`, `web.Dockerfile`.
fn is_dockerfile(name: &str) -> bool {
    let is = |part: &str, word: &str| part.eq_ignore_ascii_case(word);
    let first = name.split_once('.').map_or(name, |(first, _)| first);
    let last = name.rsplit_once('.').map_or(name, |(_, last)| last);
    is(last, "dockerfile") || is(first, "dockerfile") && !is(last, "dockerignore")
}

/// `compose.yml`, `docker-compose.prod.yaml`.
fn is_compose(name: &str) -> bool {
    let yaml = name.ends_with(".yml") || name.ends_with(".yaml");
    yaml && (name.starts_with("docker-compose") || name.starts_with("compose."))
}

/// Reads `path` when it is a container file.
pub(super) fn read(
    repository: &Repository,
    path: &RepoPath,
    dockerfiles: &mut Vec<Dockerfile>,
    services: &mut Vec<ComposeService>,
) -> Result<(), Unreadable> {
    let name = path.file_name();
    let is_dockerfile = is_dockerfile(name);
    if !is_dockerfile && !is_compose(name) || path.folders().any(|folder| folder == ".devcontainer")
    {
        return Ok(());
    }
    if is_dockerfile {
        let (mut read, locks) = dockerfile(&repository.read(path)?);
        read.left_over = locks.iter().any(|lock| is_missing(repository, path, lock))
            || starts_nothing(repository, &read, &locks);
        read.develops = develops(repository, &read);
        dockerfiles.push(read);
    } else {
        let file = repository.read(path)?;
        if let Some(document) = parse_yaml(&file)? {
            let list = yaml_get(&document, "services");
            let entries = list.and_then(|list| list.data.as_mapping());
            for (key, body) in entries.into_iter().flatten() {
                let Some(name) = key.data.as_str() else {
                    continue;
                };
                let merged = yaml_get(body, "<<");
                let get = |key| {
                    let inherited = || merged.and_then(|merged| yaml_get(merged, key));
                    yaml_get(body, key).or_else(inherited)
                };
                let deploy = yaml_get(body, "deploy");
                let in_deploy = |key: &str| deploy.and_then(|deploy| yaml_get(deploy, key));
                services.push(ComposeService {
                    file: path.clone(),
                    name: name.to_owned(),
                    built: yaml_get(body, "build").is_some(),
                    folder: get("build").and_then(|build| built_of(path, build)),
                    published: get("ports").is_some() || get("network_mode").is_some(),
                    in_front: is_in_front(name, get("image"), get("labels")),
                    networks: get("networks").map_or_else(|| vec!["default".to_owned()], named),
                    health_check: yaml_get(body, "healthcheck").is_some(),
                    restart: yaml_get(body, "restart").is_some()
                        || in_deploy("restart_policy").is_some(),
                    limits: yaml_get(body, "mem_limit").is_some()
                        || in_deploy("resources")
                            .is_some_and(|resources| yaml_get(resources, "limits").is_some()),
                    location: Location::of_line(path, yaml_location(path, key).line),
                });
            }
        }
    }
    Ok(())
}

/// `build: web`, `build: { context: ., dockerfile: web/Dockerfile }`
fn built_of(file: &RepoPath, build: &MarkedYaml<'_>) -> Option<RepoPath> {
    let text = |key| yaml_get(build, key).and_then(|value| value.data.as_str());
    let context = build.data.as_str().or_else(|| text("context"))?;
    let around = file.parent().unwrap_or_else(|| RepoPath::new(""));
    let context = around.join(context);
    let dockerfile = text("dockerfile").and_then(|dockerfile| context.join(dockerfile).parent());
    // One context may serve several that are built each by a Dockerfile of its own.
    Some(dockerfile.unwrap_or(context))
}

fn is_in_front(
    name: &str,
    image: Option<&MarkedYaml<'_>>,
    labels: Option<&MarkedYaml<'_>>,
) -> bool {
    let image = image.and_then(|image| image.data.as_str());
    let mut names = std::iter::once(name).chain(image);
    labels.is_some() || names.any(|name| IN_FRONT.iter().any(|word| name.contains(word)))
}

/// The names of a list, or the keys of a mapping.
fn named(node: &MarkedYaml<'_>) -> Vec<String> {
    let keys = yaml_entries(node).map(|(key, _)| key);
    let names = yaml_texts(node).into_iter().chain(keys);
    names.map(str::to_owned).collect()
}

/// The file, and the lock files that it copies from the repository, as written.
fn dockerfile(file: &SourceFile) -> (Dockerfile, Vec<String>) {
    let mut stages: Vec<Stage> = Vec::new();
    let mut runs = Vec::new();
    let mut locks = Vec::new();
    let (mut whole, mut workdirs) = (false, 0);
    for (line, text) in instructions(&file.text) {
        let mut words = text.split_whitespace();
        let word = words.next().unwrap_or_default().to_ascii_uppercase();
        if word == "FROM" {
            let mut words = words.filter(|word| !word.starts_with("--"));
            let from = words.next().unwrap_or_default().to_owned();
            let named = words
                .next()
                .is_some_and(|word| word.eq_ignore_ascii_case("as"));
            let name = words.next().filter(|_| named).map(str::to_owned);
            stages.push(Stage {
                from,
                name,
                user: None,
                health_check: false,
                builds: false,
                copies: false,
                steers_docker: false,
                starts: None,
                location: Location::of_line(&file.path, line),
            });
            continue;
        }
        let Some(stage) = stages.last_mut() else {
            continue;
        };
        stage.steers_docker |= text.contains("docker.sock");
        match word.as_str() {
            "WORKDIR" => workdirs += 1,
            "USER" => stage.user = words.next().map(str::to_owned),
            "HEALTHCHECK" => {
                stage.health_check = words
                    .next()
                    .is_none_or(|first| !first.eq_ignore_ascii_case("none"));
            }
            "CMD" | "ENTRYPOINT" => {
                stage.location = Location::of_line(&file.path, line);
                let before = stage.starts.get_or_insert_default();
                before.push(' ');
                before.push_str(&plain(words));
            }
            "COPY" | "ADD" => {
                stage.copies = true;
                let words = plain(words);
                whole |= matches!(&*words, ". ." | ". ./");
                // What another stage made is there.
                if !words.contains("--from=") {
                    let mut named: Vec<&str> = words.split(' ').collect();
                    named.pop();
                    let lock = |name: &&&str| {
                        LOCKS.contains(&name.rsplit('/').next().unwrap_or(name))
                            && !name.contains('$')
                    };
                    locks.extend(named.iter().filter(lock).map(|name| (*name).to_owned()));
                }
            }
            "RUN" => {
                stage.builds |= BUILDING.iter().any(|command| text.contains(command));
                stage.steers_docker |= text.contains("get.docker.com")
                    || words.clone().any(|word| DOCKER.contains(&word));
                runs.push(words.collect::<Vec<_>>().join(" "));
            }
            _ => {}
        }
    }
    let read = Dockerfile {
        file: file.path.clone(),
        stages,
        runs,
        drops_root: DROPPING.iter().any(|program| file.text.contains(program)),
        left_over: false,
        develops: false,
        is_copied_whole: whole && workdirs <= 1,
    };
    (read, locks)
}

/// The lock file is in no folder around the Dockerfile, where that of another package manager is. One that git is told to ignore
/// may have been added all the same.
fn is_missing(repository: &Repository, dockerfile: &RepoPath, lock: &str) -> bool {
    let folders = || dockerfile.ancestors().map(RepoPath::new);
    let has_one = |folder: RepoPath| {
        LOCKS
            .iter()
            .any(|lock| repository.exists(&folder.join(lock)))
    };
    folders().any(has_one) && !folders().any(|folder| may_hold(repository, &folder, lock))
}

/// The lock file is in the folder, or may be there where git does not see it.
fn may_hold(repository: &Repository, folder: &RepoPath, lock: &str) -> bool {
    let name = lock.rsplit('/').next().unwrap_or(lock);
    let ignored = || {
        let ignored = repository.read(&folder.join(".gitignore"));
        ignored.is_ok_and(|file| {
            let mut lines = file.text.lines();
            lines.any(|line| {
                let line = line.trim().trim_start_matches("**/");
                line.trim_start_matches('/') == name
            })
        })
    };
    repository.exists(&folder.join(lock)) || ignored()
}

/// What it starts, in the one folder that everything is copied into, lies beside it, and in no folder that holds the lock files.
fn starts_nothing(repository: &Repository, file: &Dockerfile, locks: &[String]) -> bool {
    let starts = file.stages.iter().find_map(|stage| stage.starts.as_deref());
    let words = starts.unwrap_or_default().split_whitespace();
    let mut code = words.filter(|word| {
        let end = word.rsplit('.').next();
        matches!(end, Some("ts" | "mts" | "js" | "mjs" | "cjs")) && !word.starts_with(['/', '$'])
    });
    let (Some(code), Some(own), false) = (code.next_back(), file.file.parent(), locks.is_empty())
    else {
        return false;
    };
    let has = |folder: &RepoPath| repository.exists(&folder.join(code));
    let mut folders = file.file.ancestors().map(RepoPath::new);
    file.is_copied_whole
        && has(&own)
        && !folders.any(|folder| {
            has(&folder) && locks.iter().all(|lock| may_hold(repository, &folder, lock))
        })
}

/// `["npm", "start"]` and `npm start` as `npm start`.
fn plain<'w>(words: impl Iterator<Item = &'w str>) -> String {
    let bare = words.flat_map(|word| word.split(['[', ']', '"', ',']));
    let bare: Vec<&str> = bare.filter(|word| !word.is_empty()).collect();
    bare.join(" ")
}

/// What the image starts, by itself or in a script of the repository, is a development server and nothing else.
fn develops(repository: &Repository, file: &Dockerfile) -> bool {
    let develops = |text: &str| DEVELOPING.iter().any(|command| text.contains(command));
    let Some(starts) = file.chain().find_map(|stage| stage.starts.as_deref()) else {
        return false;
    };
    if develops(starts) {
        return true;
    }
    let script = starts.split(' ').find(|word| word.ends_with(".sh"));
    let script = script.and_then(|script| script_of(repository, file, script));
    script.is_some_and(|script| {
        let lines = || {
            let lines = script.text.lines().map(str::trim);
            lines.filter(|line| !line.starts_with('#'))
        };
        lines().any(develops) && !lines().any(|line| line.contains(" start"))
    })
}

/// The file of the repository that lies under such a path in the image, as far as its end tells.
fn script_of(repository: &Repository, file: &Dockerfile, script: &str) -> Option<SourceFile> {
    let parts: Vec<&str> = script.split('/').filter(|part| !part.is_empty()).collect();
    let ends = (0..parts.len()).map(|from| parts[from..].join("/"));
    let ends: Vec<String> = ends.collect();
    file.file.ancestors().find_map(|folder| {
        let folder = RepoPath::new(folder);
        let mut paths = ends.iter().map(|end| folder.join(end));
        let path = paths.find(|path| repository.exists(path))?;
        repository.read(&path).ok()
    })
}

/// The instructions with their first lines: continued lines joined, comments left out.
fn instructions(text: &str) -> Vec<(u32, String)> {
    let mut found: Vec<(u32, String)> = Vec::new();
    let mut continued = false;
    for (line, text) in (1_u32..).zip(text.lines()) {
        let trimmed = text.trim();
        if trimmed.starts_with('#') || trimmed.is_empty() {
            continue;
        }
        let (part, goes_on) = match trimmed.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (trimmed, false),
        };
        match found.last_mut().filter(|_| continued) {
            Some((_, whole)) => {
                whole.push(' ');
                whole.push_str(part);
            }
            None => found.push((line, part.to_owned())),
        }
        continued = goes_on;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(path: &str, text: &str) -> (Vec<Dockerfile>, Vec<ComposeService>) {
        let repository = Repository::in_memory(&[(path, text)]);
        let (mut dockerfiles, mut services) = (Vec::new(), Vec::new());
        read(
            &repository,
            &RepoPath::new(path),
            &mut dockerfiles,
            &mut services,
        )
        .unwrap();
        (dockerfiles, services)
    }

    #[test]
    fn stages_and_what_they_inherit() {
        let text = "ARG V=20\nFROM --platform=$P node:20 AS base\nUSER node\nFROM base as build\nRUN npm ci \\\n  # why\n  && npm run build\nFROM base\nHEALTHCHECK NONE\nCMD [\"node\"]\n";
        let (files, _) = read_one("Dockerfile", text);
        let file = &files[0];
        assert_eq!(file.stages.len(), 3);
        assert!(file.stages[1].builds && !file.stages[2].builds);
        assert!(!file.stages[2].health_check);
        assert_eq!(file.stages[2].location.line, 10);
        let chain: Vec<&str> = file.chain().map(|stage| stage.from.as_str()).collect();
        assert_eq!(chain, ["base", "node:20"]);
        assert!(read_one("Dockerfile.dockerignore", "x").0.is_empty());
    }

    #[test]
    fn services_of_compose_files() {
        let text = "services:\n  web:\n    build: .\n    restart: always\n    deploy: { resources: { limits: { memory: 1g } } }\n  db:\n    image: postgres\n";
        let (_, services) = read_one("docker-compose.yml", text);
        assert_eq!(services.len(), 2);
        let web = &services[0];
        assert!(web.built && web.restart && web.limits && !web.health_check);
        assert!(!services[1].built);
    }

    #[test]
    fn services_that_others_hide() {
        let hides = |web: &str, beside: &str| {
            let text = format!(
                "x-all: &all\n  networks: [inner]\nservices:\n  web:\n    <<: *all\n    build: apps/web\n{web}  api:\n    build: {{ context: ., dockerfile: apps/api/Dockerfile }}\n    ports: [\"80:80\"]\n{beside}"
            );
            let (_, services) = read_one("docker-compose.yml", &text);
            ComposeService::hides(&services, &RepoPath::new("apps/web")).is_some()
        };
        assert!(hides("", "    networks: [inner]\n"));
        assert!(!hides("", ""));
        assert!(!hides(
            "    ports: [\"81:81\"]\n",
            "    networks: [inner]\n"
        ));
        let proxy = "    networks: [inner]\n  edge:\n    image: nginx\n";
        assert!(!hides("", proxy));
    }

    #[test]
    fn odd_files_are_survived() {
        for text in [
            "",
            "\\",
            "FROM",
            "USER x\nFROM a AS\nFROM a AS a\nCMD",
            "FROM x AS x\nFROM x AS x",
        ] {
            let (files, _) = read_one("Dockerfile", text);
            assert!(files[0].chain().count() <= files[0].stages.len());
        }
    }
}
