//! Every format of the audit, over the bundled sample and over repositories made to do harm.

mod documents;
mod html;
mod machines;
mod plans;
mod sarif;

use std::path::Path;

use readiness::audit::{self, Audit, AuditOptions};
use readiness::config::{Config, Date};
use readiness::model::{self, Model};
use readiness::report::Material;
use readiness::rule::RuleSet;
use readiness::source::{RepoPath, Repository};

/// A repository, audited.
pub(crate) struct Audited {
    repository: Repository,
    pub(crate) rules: RuleSet,
    model: Model,
    pub(crate) audit: Audit,
    folder: RepoPath,
}

impl Audited {
    /// A repository with this configuration, lying in `folder` of its work tree.
    pub(crate) fn new(repository: Repository, config: &str, folder: &str) -> Self {
        let rules = RuleSet::builtin().unwrap();
        let config = Config::parse(&RepoPath::new("readiness.toml"), config, &rules).unwrap();
        let model = model::build(&repository, &rules, &config);
        let options = AuditOptions {
            today: Date::parse("2026-11-28").unwrap(),
            ..AuditOptions::default()
        };
        let audit = audit::run(&model, &rules, &config, &options);
        Self {
            repository,
            rules,
            model,
            audit,
            folder: RepoPath::new(folder),
        }
    }

    /// The bundled sample.
    pub(crate) fn sample() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample");
        let config = std::fs::read_to_string(root.join("readiness.toml")).unwrap();
        Self::new(Repository::open(&root).unwrap(), &config, "fixtures/sample")
    }

    /// The report that `format` makes of it.
    pub(crate) fn report(&self, format: impl Fn(&Material<'_>) -> String) -> String {
        format(&Material {
            audit: &self.audit,
            model: &self.model,
            rules: &self.rules,
            text: &|path| self.repository.read(path).ok(),
            folder: &self.folder,
        })
    }
}

/// An application whose names and texts try to break out of every format.
pub(crate) fn hostile() -> Audited {
    let route = "import { db } from \"@/db\";\n\
         // readiness-ignore route-tests -- \"><script>alert(1)</script> ]]> --> ::error::x\n\
         export async function POST(request: Request) {\n  \
         const body = await request.json(); // </script><img src=x onerror=alert(2)> 日本 🙂\n  \
         await db.insert(body);\n  return Response.json({ ok: true });\n}\n";
    let files = [
        (
            "package.json",
            r#"{ "name": "<b>evil</b>|`name`", "dependencies": { "next": "15.1.0", "pg": "8\"><script>alert(3)</script>" } }"#,
        ),
        (
            "db.ts",
            "import { Pool } from \"pg\";\nexport const db = { insert: (x: unknown) => new Pool().query(String(x)) };\n",
        ),
        ("app/api/<img src=x onerror=alert(4)>/route.ts", route),
        ("app/api/[id](http:evil)|`x`/route.ts", route),
        ("app/api/a%0A::error::b,c:d/route.ts", route),
        ("app/api/'\"&-->]]>/route.ts", route),
        (
            "tsconfig.json",
            r#"{ "compilerOptions": { "paths": { "@/*": ["./*"] } } }"#,
        ),
        (
            "src/</script><script>alert(5)</script>.ts",
            "export const = ;",
        ),
    ];
    Audited::new(Repository::in_memory(&files), "", "")
}
