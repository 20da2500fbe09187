//! What is asked: file trees, matchers and header sources, hand-picked and generated, the same on every run.

use std::collections::BTreeSet;

use readiness::project::PathCondition;
use readiness::routes::MatchRequest;

/// Everything that is asked.
pub struct Questions {
    pub app: Vec<Tree>,
    pub pages: Vec<Tree>,
    pub matchers: Vec<MatcherQuestion>,
    pub headers: Vec<HeaderQuestion>,
}

/// Files below `app` or `pages`, and the page extensions.
pub struct Tree {
    pub files: Vec<String>,
    pub extensions: Vec<String>,
}

/// A matcher and the requests it is tried on.
pub struct MatcherQuestion {
    pub source: String,
    pub conditions: Vec<PathCondition>,
    pub spells_locale: bool,
    pub base_path: &'static str,
    pub locales: Vec<String>,
    pub requests: Vec<MatchRequest<'static>>,
}

/// A header source and the paths it is tried on.
pub struct HeaderQuestion {
    pub source: String,
    pub base_path: &'static str,
    pub locales: Vec<String>,
    pub paths: Vec<&'static str>,
}

/// Numbers that look random and are the same on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % bound as u64).unwrap()
    }

    fn pick(&mut self, from: &'static str) -> &'static str {
        let words: Vec<&str> = from.split_whitespace().collect();
        words[self.below(words.len())]
    }
}

fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(String::from).collect()
}

/// The questions.
pub fn questions() -> Questions {
    let mut dice = Dice(0x2545_f491_4f6c_dd1d);
    let app = vec![
        Tree {
            files: app_files(&mut dice),
            extensions: words("tsx ts jsx js"),
        },
        Tree {
            files: words(
                "api/a/route.api.ts api/b/route.ts api/c/route.mjs api/d/route.api.tsx api/_e/route.api.ts api/f/xroute.api.ts",
            ),
            extensions: words("api.ts mjs"),
        },
    ];
    let pages = vec![
        Tree {
            files: pages_files(&mut dice),
            extensions: words("tsx ts jsx js"),
        },
        Tree {
            files: words("api/a.page.ts api/b.ts api/c/index.page.ts api/d.page.tsx"),
            extensions: words("page.ts page.tsx"),
        },
    ];
    Questions {
        app,
        pages,
        matchers: matcher_questions(&mut dice),
        headers: header_questions(),
    }
}

fn app_files(dice: &mut Dice) -> Vec<String> {
    const SEGMENTS: &str = "api users (group) (b-c) @slot @children [id] [...all] [[...rest]] (.)photo (..)photo \
        (...)photo (..)(..)photo _private %5Fopen x%5Fy page route index layout sitemap.xml robots.txt a.b UPPER ( () @ \
        [a]-[b] %20 ünï $ ~tilde v1.0 api_v2 (.) icon";
    const NAMES: &str = "route.ts route.ts route.ts route.js route.tsx route.jsx route.mjs _route.ts route.test.ts \
        route.d.ts routes.ts my-route.ts page.tsx layout.tsx Route.ts route.ts.bak helpers.ts";
    let mut folders = BTreeSet::new();
    let mut files = words("route.ts");
    while folders.len() < 320 {
        let depth = 1 + dice.below(4);
        let folder: Vec<&str> = (0..depth).map(|_| dice.pick(SEGMENTS)).collect();
        let folder = folder.join("/");
        if folders.insert(folder.clone()) {
            files.push(format!("{folder}/{}", dice.pick(NAMES)));
        }
    }
    files
}

fn pages_files(dice: &mut Dice) -> Vec<String> {
    const SEGMENTS: &str = "api users [id] [...all] index a.b _x (g) @s v1";
    const NAMES: &str = "index.ts list.ts [id].ts [[...all]].js types.d.ts a.test.ts style.css x.tsx page.jsx data.json \
        _m.ts index.mjs";
    let mut files = words("api/index.ts apix/a.ts index.tsx _app.tsx");
    let mut pages = BTreeSet::new();
    for _ in 0..300 {
        let depth = 1 + dice.below(3);
        let folder: Vec<&str> = (0..depth).map(|_| dice.pick(SEGMENTS)).collect();
        let file = format!("api/{}/{}", folder.join("/"), dice.pick(NAMES));
        // Two files for one page are an error of the application; which one wins is not asked.
        let stem = file.rsplit_once('.').map_or("", |(stem, _)| stem);
        let page = stem.strip_suffix("/index").unwrap_or(stem).to_owned();
        if pages.insert(page) {
            files.push(file);
        }
    }
    files
}

fn matcher_questions(dice: &mut Dice) -> Vec<MatcherQuestion> {
    const PARTS: &str = r"/api /:id /:path* /:path+ /:id? /(.*) /:slug(\d+) /:lang(en|de) /a-:b {/x}? {/:y}* /:z.json
        /((?!x|y).*) /b.c /* (.*) /\:lit /:a-:b ? + } /: /[x] /a%20b /ä /:p(\w{2,3}) /:q([^/]+) {a:n(\d)b}+ /$ /^x
        /:under_score /(a|b) /:r([\w-]+)";
    let mut sources = words(HAND_PICKED);
    sources.push(String::new());
    sources.push(String::from("/with space"));
    for _ in 0..700 {
        let count = 1 + dice.below(3);
        sources.push((0..count).map(|_| dice.pick(PARTS)).collect());
    }
    let mut questions = Vec::new();
    for source in &sources {
        for (base_path, locales) in [
            ("", ""),
            ("/docs", ""),
            ("", "en de-CH"),
            ("/docs", "en de-CH"),
        ] {
            questions.push(matcher_question(source, base_path, locales, false));
        }
    }
    for source in ["/", "/:lang/about", "/api/:path*"] {
        questions.push(matcher_question(source, "", "en de-CH", true));
    }
    questions.extend(condition_questions());
    questions.extend(generated_conditions(dice));
    questions
}

fn matcher_question(
    source: &str,
    base_path: &'static str,
    locales: &str,
    spells_locale: bool,
) -> MatcherQuestion {
    MatcherQuestion {
        source: String::from(source),
        conditions: Vec::new(),
        spells_locale,
        base_path,
        locales: words(locales),
        requests: paths().map(request).collect(),
    }
}

fn request(path: &'static str) -> MatchRequest<'static> {
    MatchRequest {
        path,
        complete: true,
        ..MatchRequest::default()
    }
}

fn condition_questions() -> Vec<MatcherQuestion> {
    let conditions = [
        ("header", "X-Token", None),
        ("header", "x-token", Some("abc")),
        ("header", "x-token", Some("(?<who>a.*)")),
        ("cookie", "session", None),
        ("cookie", "session", Some("\\d+")),
        ("query", "q", Some("")),
        ("query", "q", Some("x|y")),
        ("host", "", Some("example.com")),
        ("host", "", Some("(.*)\\.example\\.com")),
    ];
    let guarded = request("/guarded");
    let requests = [
        request("/open"),
        guarded.clone(),
        MatchRequest {
            headers: &[("x-token", "abc")],
            ..guarded.clone()
        },
        MatchRequest {
            headers: &[("x-token", "abcd")],
            cookies: &[("session", "12")],
            host: "example.com",
            ..guarded.clone()
        },
        MatchRequest {
            headers: &[("x-token", "")],
            cookies: &[("session", "")],
            query: &[("q", "")],
            host: "EXAMPLE.com:3000",
            ..guarded.clone()
        },
        MatchRequest {
            cookies: &[("session", "a1")],
            query: &[("q", "x")],
            host: "a.example.com",
            ..guarded.clone()
        },
        MatchRequest {
            query: &[("q", "xz")],
            host: "evil.com",
            ..guarded
        },
    ];
    let condition = |(kind, key, value): (&str, &str, Option<&str>), negated| PathCondition {
        kind: String::from(kind),
        key: String::from(key),
        value: value.map(String::from),
        negated,
    };
    let mut questions = Vec::new();
    for first in conditions {
        for second in conditions {
            let mut both = vec![condition(first, false), condition(second, true)];
            if first == second {
                both.pop();
            }
            questions.push(MatcherQuestion {
                source: String::from("/guarded"),
                conditions: both,
                spells_locale: false,
                base_path: "",
                locales: Vec::new(),
                requests: requests.to_vec(),
            });
        }
    }
    questions
}

/// Matchers with `has` and `missing` under base paths and locales, each on requests that carry some of what they ask for.
fn generated_conditions(dice: &mut Dice) -> Vec<MatcherQuestion> {
    const SOURCES: &str =
        r"/api/:path* /:path* /about /((?!api|_next).*) /:lang/about /admin/(.*) / /x/:y+";
    const CONDITIONS: [(&str, &str, Option<&str>); 10] = [
        ("header", "x-a", None),
        ("header", "X-A", Some("1")),
        ("header", "x-b", Some("(?<v>[a-c]+)")),
        ("cookie", "sid", None),
        ("cookie", "sid", Some("\\w{3}")),
        ("query", "q", None),
        ("query", "q", Some("a|b")),
        ("query", "r", Some(".*")),
        ("host", "", Some("(?<sub>.*)\\.example\\.com")),
        ("host", "", Some("example.com")),
    ];
    const HEADERS: [&[(&str, &str)]; 4] = [
        &[],
        &[("x-a", "1")],
        &[("x-b", "abc")],
        &[("x-a", ""), ("x-b", "d")],
    ];
    const COOKIES: [&[(&str, &str)]; 3] = [&[], &[("sid", "abc")], &[("sid", "ab")]];
    const QUERIES: [&[(&str, &str)]; 4] =
        [&[], &[("q", "a")], &[("q", "ab"), ("r", "x")], &[("r", "")]];
    const HOSTS: &str = "example.com a.example.com EXAMPLE.com:3000 other.org";
    let all: Vec<&'static str> = paths().collect();
    let mut questions = Vec::new();
    for _ in 0..600 {
        let conditions = (0..1 + dice.below(3)).map(|_| {
            let (kind, key, value) = CONDITIONS[dice.below(CONDITIONS.len())];
            PathCondition {
                kind: String::from(kind),
                key: String::from(key),
                value: value.map(String::from),
                negated: dice.below(2) == 0,
            }
        });
        let conditions = conditions.collect();
        let (base_path, locales) = [
            ("", ""),
            ("/docs", ""),
            ("", "en de-CH"),
            ("/docs", "en de-CH"),
        ][dice.below(4)];
        let requests = (0..24).map(|_| MatchRequest {
            path: all[dice.below(all.len())],
            headers: HEADERS[dice.below(HEADERS.len())],
            cookies: COOKIES[dice.below(COOKIES.len())],
            query: QUERIES[dice.below(QUERIES.len())],
            host: dice.pick(HOSTS),
            complete: true,
        });
        let requests = requests.collect();
        questions.push(MatcherQuestion {
            source: String::from(dice.pick(SOURCES)),
            conditions,
            spells_locale: !locales.is_empty() && dice.below(4) == 0,
            base_path,
            locales: words(locales),
            requests,
        });
    }
    questions
}

fn header_questions() -> Vec<HeaderQuestion> {
    let mut sources = words(HAND_PICKED);
    sources.extend(words("/(.*) /API/(.*) /a/ /docs/:p"));
    let mut questions = Vec::new();
    for source in &sources {
        for (base_path, locales) in [
            ("", ""),
            ("/docs", ""),
            ("", "en de-CH"),
            ("/docs", "en de-CH"),
        ] {
            questions.push(HeaderQuestion {
                source: source.clone(),
                base_path,
                locales: words(locales),
                paths: paths().collect(),
            });
        }
    }
    questions
}

/// Paths, plain and with base path and locale.
fn paths() -> impl Iterator<Item = &'static str> {
    PATHS.split_whitespace()
}

const PATHS: &str = "/ /api /api/ /api/x /api/x/y /apix /API/x /dashboard /dashboard/settings /favicon.ico \
    /_next/static/chunk.js /_next/data/build/api/x.json /_next/data/build/de-CH/about.json /a/b.json /x.rsc \
    /images/logo.png /12 /en /en/ /en/about /de-CH /de-CH/api/x /de-ch/api/x /fr/about /a-b /b.c /trpc/user.get /sign-in /x \
    /index /index.json /en/index /a.segments/b/c.segment.rsc /:lit /ab /a1b /a%20b /_next/image /docs /docs/ /docs/api \
    /docs/api/x /docs/en /docs/en/about /docs/de-CH/api/x.json /docs/dashboard /docs/_next/data/b/en/api/x.json /Docs/api \
    /docsapi /blog/12 /blog/a /blog/١٢ /users/1 /ab/users/x/y /file.txt /file /x/y/z /x/x /admin /admin/a /admin? /a#b";

/// Matchers as documentation and applications write them, and some that Next.js refuses.
const HAND_PICKED: &str = r"
    / /about/:path* /dashboard/:path* /api/:path* /api/:function* /(api|trpc)(.*)
    /((?!api|_next/static|_next/image|favicon.ico).*)
    /((?!api|_next/static|_next/image|favicon.ico|sitemap.xml|robots.txt).*)
    /((?!_next|[^?]*\.(?:html?|css|js(?!on)|jpe?g|webp|png|gif|svg|ttf|woff2?|ico|csv|docx?|xlsx?|zip|webmanifest)).*)
    /((?!.*\..*|_next).*) /((?!.+\.[\w]+$|_next).*)
    /((?!_next/static|_next/image|favicon.ico|.*\.(?:svg|png|jpg|jpeg|gif|webp)$).*)
    /((?!api/auth|sign-in).*) /([\w-]+)?/users/(.+) /((?!api|trpc|_next|_vercel|.*\..*).*) /(de|en)/:path*
    /:locale(en|de)/:path* /admin /admin/(.*) /:path* /:path+ /:path? /:path /:a/:b /:a-:b /:a.:b
    /blog/:slug(\d{1,}) /blog/:slug(.*) /file.:ext /file{.:ext}? /x{/:y}* /x{/y}+ /x{}* /(\d+)/b /a|b
    /a?b /(a)? /trailing/ //double /%5Bid%5D /[id] /* /** /a/* /( /((a)) /(?:a)
    /: api/x /:a:b /(.):id /(\w+)/:x(\S+) /x([^a-c\d]+)y /((?!\b).*) /x([\w-.]+) /:x([\d-z]+)";
