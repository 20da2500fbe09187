//! Configurations of what stands in front of an application and may limit requests: gateways, proxies, firewalls.

use memchr::memmem;

use crate::source::{RepoPath, Repository, Unreadable};

use super::app::App;

/// A configuration of a gateway that limits requests.
#[derive(Clone, Debug)]
pub struct GatewayLimits {
    /// Its file.
    pub file: RepoPath,
    text: Box<str>,
}

impl GatewayLimits {
    /// Whether it may stand in front of `app`: it lies in no other application's folder, and names this one where it names any.
    #[must_use]
    pub fn may_guard(&self, app: &App, apps: &[App]) -> bool {
        let holds = |app: &App| !app.root.is_root() && self.file.starts_with(&app.root);
        if apps.iter().any(holds) {
            return holds(app);
        }
        self.names(app) || !apps.iter().any(|other| self.names(other))
    }

    /// Whether it names an application: by its folder, or by its package without the scope.
    fn names(&self, app: &App) -> bool {
        let package = app.name.rsplit('/').next().unwrap_or(&app.name);
        let names = [app.root.file_name(), package];
        names.iter().any(|name| {
            let mut places = memmem::find_iter(self.text.as_bytes(), name.as_bytes());
            let is_part = |next: Option<char>| next.is_some_and(char::is_alphanumeric);
            !name.is_empty()
                && places.any(|at| {
                    let (before, from) = self.text.split_at(at);
                    !is_part(before.chars().next_back())
                        && !is_part(from[name.len()..].chars().next())
                })
        })
    }
}

/// Parts of names of folders and files that hold such configurations; other YAML files and the like are not read.
const PLACES: [&str; 15] = [
    "argo", "chart", "compose", "deploy", "envoy", "gateway", "helm", "ingress", "infra", "k8s",
    "kong", "kube", "manifest", "nginx", "traefik",
];

/// What in a line says that requests are limited there, and what the file has to say besides for it to mean that.
const LIMITS: [(&str, &str); 11] = [
    ("rateLimit:", "BackendTrafficPolicy"),
    ("rateLimit:", "traefik"),
    ("rateLimit]", "http.middlewares"),
    (".ratelimit.", "traefik.http.middlewares"),
    ("nginx.ingress.kubernetes.io/limit-", ""),
    ("rate-limiting", "plugin"),
    ("limit_req ", ""),
    ("rate_based_statement", ""),
    ("http_ratelimit", "cloudflare_ruleset"),
    ("rate_limit_options", "google_compute_security_policy"),
    ("rate_limit ", "reverse_proxy"),
];

/// `path` may be one.
fn is_plausible(path: &RepoPath) -> bool {
    let is_place = || {
        let mut segments = path.segments();
        segments.any(|segment| PLACES.iter().any(|place| segment.contains(place)))
    };
    match path.extension() {
        Some("conf" | "tf") => true,
        Some("yaml" | "yml" | "toml" | "template" | "tpl") => is_place(),
        _ => path.file_name() == "Caddyfile",
    }
}

/// `path`, where it is such a configuration and limits requests. Templates are neither YAML nor anything else, so its lines are
/// looked at as text.
pub(super) fn limits(
    repository: &Repository,
    path: &RepoPath,
) -> Result<Option<GatewayLimits>, Unreadable> {
    if !is_plausible(path) || path.is_test() {
        return Ok(None);
    }
    let file = repository.read(path)?;
    let text = &file.text;
    let has = |word: &str| memmem::find(text.as_bytes(), word.as_bytes()).is_some();
    let mut limits = LIMITS
        .iter()
        .filter(|(limit, beside)| has(limit) && has(beside));
    let limits = limits.any(|(limit, _)| {
        let mut lines = text.lines().map(str::trim_start);
        lines.any(|line| !line.starts_with('#') && line.contains(limit))
    });
    Ok(limits.then(|| GatewayLimits {
        file: path.clone(),
        text: text.as_str().into(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits_there(path: &str, text: &str) -> bool {
        let repository = Repository::in_memory(&[(path, text)]);
        limits(&repository, &RepoPath::new(path)).unwrap().is_some()
    }

    #[test]
    fn limits_of_gateways() {
        let policy = "{{- if .Values.on }}\nkind: BackendTrafficPolicy\nspec:\n  rateLimit:\n    global: {}\n{{- end }}\n";
        assert!(limits_there("charts/shop/templates/limits.yaml", policy));
        assert!(!limits_there("locales/en.yaml", policy));
        assert!(!limits_there(
            "charts/shop/values.yaml",
            "rateLimit:\n  enabled: true\n"
        ));
        let ingress =
            "metadata:\n  annotations:\n    nginx.ingress.kubernetes.io/limit-rps: \"5\"\n";
        assert!(limits_there("k8s/ingress.yml", ingress));
        assert!(!limits_there(
            "k8s/ingress.yml",
            "    # nginx.ingress.kubernetes.io/limit-rps: \"5\"\n"
        ));
        assert!(limits_there(
            "nginx.conf",
            "  limit_req zone=api burst=5;\n"
        ));
        assert!(!limits_there(
            "nginx.conf",
            "limit_req_zone $a zone=api:1m;\n"
        ));
        let labels = "labels:\n  - traefik.http.middlewares.slow.ratelimit.average=10\n";
        assert!(limits_there("docker-compose.yml", labels));
        assert!(limits_there("infra/waf.tf", "  rate_based_statement {\n"));
    }
}
