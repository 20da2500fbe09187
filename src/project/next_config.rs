//! `next.config.*`, as far as it can be read without running it.

use crate::source::{Location, RepoPath};
use crate::syntax::ModuleRecord;

use super::literal::{Folded, Folder, ImportLookup, Literal};

/// The parts of a Next.js configuration that the audit uses.
#[derive(Clone, Debug, Default)]
pub struct NextConfig {
    /// The file; `None` when the application has none.
    pub file: Option<RepoPath>,
    /// `pageExtensions`; Next.js's own four when not set.
    pub page_extensions: Vec<String>,
    /// `basePath`, `/docs`; empty when not set.
    pub base_path: String,
    /// `output: 'export'`: the build gives files that something else serves.
    pub exports: bool,
    /// `i18n.locales`
    pub locales: Vec<String>,
    /// `typescript.ignoreBuildErrors`
    pub ignore_build_errors: Option<(bool, Location)>,
    /// `eslint.ignoreDuringBuilds`
    pub ignore_lint: Option<(bool, Location)>,
    /// What `headers()` sets.
    pub headers: Vec<HeaderEntry>,
    /// Some part of `headers()` could not be read statically, so a header that is not listed may still be set.
    pub headers_incomplete: bool,
    /// `source` → `destination` of `rewrites()`.
    pub rewrites: Vec<(String, String, Location)>,
}

/// One header on the paths that a source pattern covers.
#[derive(Clone, PartialEq, Debug)]
pub struct HeaderEntry {
    /// The path pattern, `/(.*)`, as written.
    pub source: String,
    /// Conditions of `has` and `missing`; the header is sent only when they hold.
    pub conditions: Vec<PathCondition>,
    /// The header's name as written.
    pub name: String,
    /// Its value; `None` when it is computed. Parts of it that are computed stand as [`super::literal::HOLE`].
    pub value: Option<String>,
    /// Where it is set.
    pub location: Location,
}

/// A `has` or `missing` condition of a header, rewrite or middleware matcher.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PathCondition {
    /// `header`, `cookie`, `query` or `host`
    pub kind: String,
    /// The key; empty for `host`.
    pub key: String,
    /// The value's pattern, when one is given.
    pub value: Option<String>,
    /// `missing` instead of `has`.
    pub negated: bool,
}

impl NextConfig {
    /// The configuration of an application without a file: Next.js's defaults.
    #[must_use]
    pub fn absent() -> Self {
        Self {
            page_extensions: ["tsx", "ts", "jsx", "js"].map(String::from).to_vec(),
            ..Self::default()
        }
    }

    /// A file that could not be read: defaults, and headers that may be set all the same.
    pub(super) fn unreadable(file: RepoPath) -> Self {
        Self {
            file: Some(file),
            headers_incomplete: true,
            ..Self::absent()
        }
    }

    /// Reads the configuration that a module exports.
    pub(super) fn read<'m>(module: &'m ModuleRecord, imports: ImportLookup<'_, 'm>) -> Self {
        let mut read = Self {
            file: Some(module.path.clone()),
            ..Self::absent()
        };
        let folder = Folder::new(imports);
        let Some(exported) = folder.export(module, "default") else {
            read.headers_incomplete = true;
            return read;
        };
        let config = folder.configured(exported);
        if let Some(extensions) = config.get("pageExtensions").map(texts)
            && !extensions.is_empty()
        {
            read.page_extensions = extensions;
        }
        read.base_path = config
            .get("basePath")
            .and_then(Folded::text)
            .unwrap_or_default()
            .to_owned();
        read.exports = config.get("output").and_then(Folded::text) == Some("export");
        read.locales = config
            .get("i18n")
            .and_then(|i18n| i18n.get("locales"))
            .map(texts)
            .unwrap_or_default();
        read.ignore_build_errors = flag(&config, "typescript", "ignoreBuildErrors");
        read.ignore_lint = flag(&config, "eslint", "ignoreDuringBuilds");
        read.read_headers(&folder, &config);
        read.read_rewrites(&folder, &config);
        read
    }

    fn read_headers<'m>(&mut self, folder: &Folder<'_, 'm>, config: &Folded<'m>) {
        let known = is_complete_object(config);
        let Some(headers) = config.get("headers") else {
            self.headers_incomplete = !known;
            return;
        };
        let (entries, complete) = header_entries(&folder.call(headers, &[]));
        self.headers = entries;
        self.headers_incomplete = !complete;
    }

    fn read_rewrites<'m>(&mut self, folder: &Folder<'_, 'm>, config: &Folded<'m>) {
        let Some(rewrites) = config.get("rewrites") else {
            return;
        };
        let rewrites = folder.call(rewrites, &[]);
        let mut lists = Vec::new();
        for arm in rewrites.alternatives() {
            match &arm.value {
                Literal::Array { .. } => lists.push(arm),
                Literal::Object { .. } => lists.extend(
                    ["beforeFiles", "afterFiles", "fallback"]
                        .iter()
                        .filter_map(|key| arm.get(key)),
                ),
                _ => {}
            }
        }
        for entry in lists.into_iter().flat_map(|list| list.items().0) {
            if let (Some(source), Some(destination)) = (
                entry.get("source").and_then(Folded::text),
                entry.get("destination").and_then(Folded::text),
            ) {
                self.rewrites
                    .push((source.to_owned(), destination.to_owned(), entry.location()));
            }
        }
    }
}

fn is_complete_object(config: &Folded<'_>) -> bool {
    config
        .alternatives()
        .iter()
        .all(|arm| matches!(arm.value, Literal::Object { complete: true, .. }))
}

/// What a list of `{ source, headers: [{ key, value }], has, missing }` sets, and whether that is all.
pub(super) fn header_entries(list: &Folded<'_>) -> (Vec<HeaderEntry>, bool) {
    let (rules, mut complete) = list.items();
    let mut entries = Vec::new();
    for rule in rules {
        let source = rule.get("source").and_then(Folded::text);
        let (Some(source), Some(headers)) = (source, rule.get("headers")) else {
            complete = false;
            continue;
        };
        let conditions: Vec<PathCondition> = [("has", false), ("missing", true)]
            .into_iter()
            .filter_map(|(key, negated)| Some((rule.get(key)?, negated)))
            .flat_map(|(list, negated)| path_conditions(list, negated))
            .collect();
        let (headers, all) = headers.items();
        complete &= all;
        for header in headers {
            let Some(name) = header.get("key").and_then(Folded::text) else {
                complete = false;
                continue;
            };
            let value = header.get("value").and_then(whole_text);
            entries.push(HeaderEntry {
                source: source.to_owned(),
                conditions: conditions.clone(),
                name: name.to_owned(),
                value,
                location: header.location(),
            });
        }
    }
    (entries, complete)
}

/// The text of a header; nothing when none of it is known.
fn whole_text(value: &Folded<'_>) -> Option<String> {
    let text = value.text()?;
    (!text.replace(super::literal::HOLE, "").trim().is_empty()).then(|| text.to_owned())
}

/// The conditions of a `has` or `missing` list.
#[must_use]
pub fn path_conditions(list: &Folded<'_>, negated: bool) -> Vec<PathCondition> {
    let text =
        |entry: &Folded<'_>, key: &str| entry.get(key).and_then(Folded::text).map(str::to_owned);
    list.items()
        .0
        .into_iter()
        .map(|entry| PathCondition {
            kind: text(entry, "type").unwrap_or_default(),
            key: text(entry, "key").unwrap_or_default(),
            value: text(entry, "value"),
            negated,
        })
        .collect()
}

fn texts(list: &Folded<'_>) -> Vec<String> {
    list.items()
        .0
        .into_iter()
        .filter_map(Folded::text)
        .map(str::to_owned)
        .collect()
}

/// A switch of a section; one that is true only under some circumstance counts as true.
fn flag(config: &Folded<'_>, section: &str, key: &str) -> Option<(bool, Location)> {
    let value = config.get(section)?.get(key)?;
    let arms = value.alternatives();
    let known: Vec<bool> = arms
        .iter()
        .filter_map(|arm| match arm.value {
            Literal::Bool(flag) => Some(flag),
            _ => None,
        })
        .collect();
    (!known.is_empty()).then(|| (known.contains(&true), value.location()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;
    use crate::syntax::{ParseOptions, PatternSet, parse_module};

    fn record(path: &str, text: &str) -> ModuleRecord {
        let patterns = PatternSet::default();
        let file = SourceFile::new(RepoPath::new(path), text);
        parse_module(
            &file,
            ParseOptions {
                patterns: &patterns,
            },
        )
    }

    fn read(text: &str) -> NextConfig {
        NextConfig::read(&record("next.config.mjs", text), &|_, _| None)
    }

    fn headers(config: &NextConfig) -> Vec<(&str, &str, &str, u32)> {
        config
            .headers
            .iter()
            .map(|entry| {
                (
                    entry.source.as_str(),
                    entry.name.as_str(),
                    entry.value.as_deref().unwrap_or("-"),
                    entry.location.line,
                )
            })
            .collect()
    }

    #[test]
    fn headers_from_constants_spreads_and_conditions() {
        let config = read(
            "import { withSentryConfig } from '@sentry/nextjs';
const csp = `
  default-src 'self';
  connect-src ${process.env.API};
`.replace(/\\s{2,}/g, ' ').trim();
const securityHeaders = [
  { key: 'Content-Security-Policy', value: csp },
  { key: 'X-Frame-Options', value: 'DENY' },
];
const isProd = process.env.NODE_ENV === 'production';
/** @type {import('next').NextConfig} */
const nextConfig = {
  async headers() {
    return [
      { source: '/(.*)', headers: [...securityHeaders, ...(isProd ? [{ key: 'Strict-Transport-Security', value: `max-age=${60 * 2}` }] : [])] },
      { source: '/api/:path*', has: [{ type: 'header', key: 'x-a', value: 'b' }], headers: [{ key: 'X-Computed', value: compute() }] },
    ];
  },
};
export default withSentryConfig(nextConfig, { silent: true });",
        );
        assert!(!config.headers_incomplete);
        assert_eq!(
            headers(&config),
            [
                (
                    "/(.*)",
                    "Content-Security-Policy",
                    "default-src 'self'; connect-src ${…};",
                    7
                ),
                ("/(.*)", "X-Frame-Options", "DENY", 8),
                ("/(.*)", "Strict-Transport-Security", "max-age=120", 15),
                ("/api/:path*", "X-Computed", "-", 16),
            ]
        );
        assert_eq!(
            config.headers[3].conditions,
            [PathCondition {
                kind: String::from("header"),
                key: String::from("x-a"),
                value: Some(String::from("b")),
                negated: false
            }]
        );
    }

    #[test]
    fn common_js_functions_and_chains_of_wrappers() {
        for text in [
            "module.exports = { basePath: '/docs', typescript: { ignoreBuildErrors: true } }",
            "const withA = require('a')({ enabled: true });
             const config = { basePath: '/docs', typescript: { ignoreBuildErrors: !false } };
             module.exports = withA(withB(config));",
            "export default (phase, { defaultConfig }) => { const base = '/docs';
               if (phase === X) { return { basePath: base, typescript: { ignoreBuildErrors: true } }; }
               return { basePath: base, typescript: { ignoreBuildErrors: false } }; }",
            "import createNextIntlPlugin from 'next-intl/plugin';
             const config: NextConfig = { basePath: '/docs', typescript: { ignoreBuildErrors: process.env.CI ? false : true } };
             export default createNextIntlPlugin()(config);",
            "export default async function config() { let c = { basePath: '/docs', typescript: { ignoreBuildErrors: true } };
               const plugins = [withA]; c = plugins.reduce((acc, p) => p(acc), c); return c; }",
        ] {
            let config = read(text);
            assert_eq!(config.base_path, "/docs", "{text}");
            assert!(
                config.ignore_build_errors.as_ref().is_some_and(|(on, _)| *on),
                "{text}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_is_incomplete() {
        for text in [
            "import { createSecureHeaders } from 'next-secure-headers';
             export default { async headers() { return [{ source: '/', headers: createSecureHeaders() }]; } }",
            "import rest from './rest'; export default { ...rest }",
            "export default make()",
            "import { headers } from './h'; export default { headers }",
        ] {
            assert!(read(text).headers_incomplete, "{text}");
        }
        assert!(!read("export default { reactStrictMode: true }").headers_incomplete);
        assert!(!read("export default { headers: async () => [] }").headers_incomplete);
    }

    #[test]
    fn imported_constants_are_read_where_their_module_is_known() {
        let shared = record(
            "headers.ts",
            "const all = { 'X-A': '1', 'X-B': '2' };
             export const list = Object.entries(all).map(([key, value]) => ({ key, value }));",
        );
        let main = record(
            "next.config.ts",
            "import { list } from './headers'; export default { headers: () => [{ source: '/x', headers: list }] }",
        );
        let config = NextConfig::read(&main, &|_, import| {
            assert_eq!(&*import.specifier, "./headers");
            Some((&shared, &shared.exports[0]))
        });
        assert!(!config.headers_incomplete);
        assert_eq!(
            headers(&config)
                .iter()
                .map(|(_, name, value, _)| (*name, *value))
                .collect::<Vec<_>>(),
            [("X-A", "1"), ("X-B", "2")]
        );
        assert_eq!(config.headers[0].location.file.as_str(), "headers.ts");
    }

    #[test]
    fn rewrites_locales_and_extensions() {
        let config = read(
            "export default { pageExtensions: ['page.tsx', 'api.ts'], i18n: { locales: ['en', 'de'], defaultLocale: 'en' },
               eslint: { ignoreDuringBuilds: true },
               async rewrites() { return { beforeFiles: [{ source: '/a', destination: '/b' }], fallback: [{ source: '/c', destination: 'https://x' }] } } }",
        );
        assert_eq!(config.page_extensions, ["page.tsx", "api.ts"]);
        assert_eq!(config.locales, ["en", "de"]);
        assert!(config.ignore_lint.is_some_and(|(on, _)| on));
        let rewrites: Vec<&str> = config
            .rewrites
            .iter()
            .map(|(from, ..)| from.as_str())
            .collect();
        assert_eq!(rewrites, ["/a", "/c"]);
    }

    #[test]
    fn hostile_configurations_end() {
        for text in [
            "const a = a; export default a",
            "const f = () => f(); export default f",
            "const d = x => [...x, ...x]; const h = d(d(d(d(d(d(d(d(d(d(d(d(d(d(d(d(d(d(d(d([1]))))))))))))))))))));
             export default { headers: () => h }",
            "let s = 'aaaaaaaa'; const d = x => `${x}${x}${x}${x}`; export default { basePath: d(d(d(d(d(d(d(d(d(d(d(d(d(s))))))))))))) }",
            "const a = { ...b }; const b = { ...a }; export default a",
        ] {
            let _ = read(text);
        }
    }
}
