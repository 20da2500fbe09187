//! From a file's place to the URL that Next.js serves it under, and what paths are.

/// The URL of a route handler of the App Router, without base path; `file` is relative to the `app` folder.
///
/// `None` when Next.js does not serve the file as a handler: another name, another extension, a private folder.
#[must_use]
pub fn app_route_url(file: &str, extensions: &[String]) -> Option<String> {
    let (folder, name) = match file.rsplit_once('/') {
        Some((folder, name)) => (folder, name),
        None => ("", file),
    };
    let extension = name.strip_prefix("route.")?;
    if !extensions.iter().any(|known| known == extension) {
        return None;
    }
    let mut url = String::new();
    for segment in folder.split('/').filter(|segment| !segment.is_empty()) {
        if segment.starts_with('_') {
            return None;
        }
        let is_group = segment.starts_with('(') && segment.ends_with(')');
        if is_group || segment.starts_with('@') {
            continue;
        }
        url.push('/');
        url += &segment.replace("%5F", "_");
    }
    if url.is_empty() {
        url.push('/');
    }
    Some(url)
}

/// The URL of an API route of the Pages Router, without base path; `file` is relative to the `pages` folder.
///
/// `None` when the file is no page by its extension, or a page outside `api`.
#[must_use]
pub fn pages_api_url(file: &str, extensions: &[String]) -> Option<String> {
    if std::path::Path::new(file)
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.ends_with(".d.ts"))
    {
        return None;
    }
    let stem = extensions
        .iter()
        .filter_map(|extension| file.strip_suffix(extension.as_str())?.strip_suffix('.'))
        .min_by_key(|stem| stem.len())?;
    let page = format!("/{stem}");
    let page = page.strip_suffix("/index").unwrap_or(&page);
    (page == "/api" || page.starts_with("/api/")).then(|| page.to_owned())
}

/// Puts the base path before a URL.
#[must_use]
pub(super) fn with_base(base_path: &str, url: &str) -> String {
    if base_path.is_empty() {
        return url.to_owned();
    }
    if url == "/" {
        return base_path.to_owned();
    }
    format!("{base_path}{url}")
}

/// Whether a path of Express is no pattern, but for the names of parameters in it.
#[must_use]
pub fn is_plain_path(path: &str) -> bool {
    !path.contains(['*', '(', '{', '[', '?', '+', '^', '$', '|', '\\'])
}

#[cfg(test)]
mod tests {
    use super::{app_route_url, pages_api_url, with_base};

    fn extensions() -> Vec<String> {
        ["tsx", "ts", "jsx", "js"].map(String::from).to_vec()
    }

    #[test]
    fn folders_that_are_no_part_of_the_url() {
        let url = |file: &str| app_route_url(file, &extensions());
        assert_eq!(url("route.ts").as_deref(), Some("/"));
        assert_eq!(
            url("(shop)/@modal/api/[id]/route.ts").as_deref(),
            Some("/api/[id]")
        );
        assert_eq!(
            url("feed/(..)photo/[[...all]]/route.js").as_deref(),
            Some("/feed/(..)photo/[[...all]]")
        );
        assert_eq!(url("%5Finternal/route.ts").as_deref(), Some("/_internal"));
        assert_eq!(url("_internal/route.ts"), None);
        assert_eq!(url("api/_route.ts"), None);
        assert_eq!(url("api/route.test.ts"), None);
        assert_eq!(url("api/route.d.ts"), None);
        assert_eq!(url("api/route.mjs"), None);
    }

    #[test]
    fn index_files_fold_into_their_folder() {
        let url = |file: &str| pages_api_url(file, &extensions());
        assert_eq!(url("api/index.ts").as_deref(), Some("/api"));
        assert_eq!(url("api/users/index.ts").as_deref(), Some("/api/users"));
        assert_eq!(url("api/[...all].ts").as_deref(), Some("/api/[...all]"));
        assert_eq!(url("about.tsx"), None);
        assert_eq!(url("apix/a.ts"), None);
        assert_eq!(url("api/types.d.ts"), None);
        let compound = ["page.ts", "ts"].map(String::from);
        assert_eq!(
            pages_api_url("api/a.page.ts", &compound).as_deref(),
            Some("/api/a")
        );
    }

    #[test]
    fn the_base_path_replaces_the_root() {
        assert_eq!(with_base("/docs", "/"), "/docs");
        assert_eq!(with_base("/docs", "/api"), "/docs/api");
        assert_eq!(with_base("", "/"), "/");
    }
}
