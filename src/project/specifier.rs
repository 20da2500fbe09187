//! What the text of a specifier or a dependency range says by itself.

use crate::source::RepoPath;

/// `specifier` without loader prefixes (`raw-loader!./x`) and without a query (`./x.svg?url`).
pub(super) fn plain(specifier: &str) -> &str {
    if !specifier.bytes().any(|byte| matches!(byte, b'!' | b'?')) {
        return specifier;
    }
    let specifier = specifier.rsplit('!').next().unwrap_or(specifier);
    match specifier.split_once('?') {
        Some((path, _)) => path,
        None => specifier,
    }
}

pub(super) fn is_relative(specifier: &str) -> bool {
    matches!(specifier, "." | "..") || specifier.starts_with("./") || specifier.starts_with("../")
}

/// The path that a relative specifier in `from` names; `None` for other specifiers.
pub(super) fn relative_target(from: &RepoPath, specifier: &str) -> Option<String> {
    is_relative(specifier)
        .then(|| below(from.ancestors().nth(1)?, specifier))
        .flatten()
}

/// The path that a relative specifier names; a folder ends with `/`. `None` when it climbs out of the root.
pub(super) fn below(folder: &str, specifier: &str) -> Option<String> {
    let mut target = String::with_capacity(folder.len() + specifier.len() + 1);
    target.push_str(folder);
    let mut last = "";
    for segment in specifier.split('/') {
        match segment {
            "" | "." => {}
            ".." if target.is_empty() => return None,
            ".." => target.truncate(target.rfind('/').unwrap_or(0)),
            other => {
                if !target.is_empty() {
                    target.push('/');
                }
                target.push_str(other);
            }
        }
        last = segment;
    }
    if matches!(last, "" | "." | "..") {
        target.push('/');
    }
    Some(target)
}

/// The package's name and the path inside it: `@scope/name` and `a/b` of `@scope/name/a/b`.
pub(super) fn split_package(specifier: &str) -> (&str, &str) {
    let skip = if specifier.starts_with('@') {
        specifier.find('/').map_or(0, |at| at + 1)
    } else {
        0
    };
    let end = specifier
        .get(skip..)
        .and_then(|rest| rest.find('/'))
        .map_or(specifier.len(), |at| skip + at);
    let name = specifier.get(..end).unwrap_or(specifier);
    let rest = specifier.get(end..).unwrap_or("");
    (name, rest.trim_start_matches('/'))
}

/// Whether a registry would accept the name; `@/lib`, `~` and `$lib` are aliases that nothing defines.
pub(super) fn is_package_name(name: &str) -> bool {
    let (scope, plain) = match name.strip_prefix('@') {
        Some(rest) => match rest.split_once('/') {
            Some((scope, plain)) => (Some(scope), plain),
            None => return false,
        },
        None => (None, name),
    };
    let fits = |part: &str| {
        part.starts_with(|first: char| first.is_ascii_alphanumeric() || matches!(first, '-' | '_'))
            && part
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~'))
    };
    scope.is_none_or(fits) && fits(plain)
}

/// The folder of `file:../x`, `link:../x` and `portal:../x`; an archive is none.
pub(super) fn linked_path(range: &str) -> Option<&str> {
    let is_archive = range.ends_with(".tgz") || range.ends_with(".tar.gz");
    ["file:", "link:", "portal:"]
        .iter()
        .find_map(|scheme| range.strip_prefix(scheme))
        .filter(|_| !is_archive)
}

/// Whether a dependency range is satisfied by the workspace with this version, as npm, yarn and pnpm link them.
pub(super) fn names_workspace(range: &str, version: Option<&str>) -> bool {
    if range.starts_with("workspace:") || linked_path(range).is_some() || matches!(range, "*" | "")
    {
        return true;
    }
    let Some(version) = version else {
        return false;
    };
    let range = range.trim();
    let (sign, wanted) = match range.find(|c: char| c.is_ascii_digit()) {
        Some(at) => (range[..at].trim(), &range[at..]),
        None => return false,
    };
    let numbers = |text: &str| -> Option<[u64; 3]> {
        let mut numbers = [0; 3];
        let core = text.split(['-', '+', ' ']).next().unwrap_or(text);
        for (at, part) in core.split('.').take(3).enumerate() {
            match part {
                "x" | "X" | "*" => {}
                part => numbers[at] = part.parse().ok()?,
            }
        }
        Some(numbers)
    };
    let (Some(have), Some(want)) = (numbers(version), numbers(wanted)) else {
        return false;
    };
    match sign {
        "^" if want[0] > 0 => have[0] == want[0] && have >= want,
        "^" if want[1] > 0 => have[..2] == want[..2] && have >= want,
        "^" => have == want,
        "~" => have[..2] == want[..2] && have >= want,
        ">=" => have >= want,
        "" | "=" | "v" => have == want,
        _ => false,
    }
}

/// Whether Node.js itself provides the module.
pub(super) fn is_builtin(name: &str) -> bool {
    const BUILTINS: [&str; 40] = [
        "assert",
        "async_hooks",
        "buffer",
        "child_process",
        "cluster",
        "console",
        "constants",
        "crypto",
        "dgram",
        "diagnostics_channel",
        "dns",
        "domain",
        "events",
        "fs",
        "http",
        "http2",
        "https",
        "inspector",
        "module",
        "net",
        "os",
        "path",
        "perf_hooks",
        "process",
        "punycode",
        "querystring",
        "readline",
        "repl",
        "stream",
        "string_decoder",
        "sys",
        "timers",
        "tls",
        "tty",
        "url",
        "util",
        "v8",
        "vm",
        "worker_threads",
        "zlib",
    ];
    BUILTINS.binary_search(&name).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_link_a_workspace() {
        for (range, version, linked) in [
            ("workspace:^", None, true),
            ("*", None, true),
            ("^1.2.0", Some("1.3.0"), true),
            ("^1.2.0", Some("2.0.0"), false),
            ("^0.2.1", Some("0.2.5"), true),
            ("^0.2.1", Some("0.3.0"), false),
            ("~1.2.0", Some("1.2.9"), true),
            ("1.0.0", Some("1.0.0"), true),
            ("1.0.0", Some("1.0.1"), false),
            ("^8.0.0", None, false),
            ("latest", Some("1.0.0"), false),
            ("github:a/b", Some("1.0.0"), false),
        ] {
            assert_eq!(
                names_workspace(range, version),
                linked,
                "{range} {version:?}"
            );
        }
    }

    #[test]
    fn the_builtins_are_sorted() {
        assert!(is_builtin("zlib") && is_builtin("assert") && is_builtin("url"));
        assert!(!is_builtin("stripe"));
    }
}
