//! The page: whole without a network or its script, inert whatever the repository holds, and working in a real browser.

use std::path::{Path, PathBuf};
use std::process::Command;

use readiness::report;

use super::{Audited, hostile};

/// A tag with its attributes as written.
type Tag = (String, Vec<(String, String)>);

/// Tags of a page in order, and the texts between them.
fn parsed(page: &str) -> (Vec<Tag>, String) {
    let mut tags = Vec::new();
    let mut texts = String::new();
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        texts.push_str(&rest[..start]);
        let inside = &rest[start + 1..];
        // Attributes of ours are in double quotes, and nothing in them is one.
        let mut quoted = false;
        let end = inside
            .find(|letter| {
                quoted ^= letter == '"';
                letter == '>' && !quoted
            })
            .unwrap();
        let tag = &inside[..end];
        rest = &inside[end + 1..];
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        let mut found = Vec::new();
        let mut left = attributes.trim();
        while let Some((name, after)) = left.split_once('=') {
            let Some(value) = after.strip_prefix('"') else {
                left = after;
                continue;
            };
            let (value, after) = value.split_once('"').unwrap();
            found.push((name.trim().to_owned(), value.to_owned()));
            left = after.trim();
        }
        tags.push((name.to_ascii_lowercase(), found));
        if name == "script" || name == "style" {
            let close = format!("</{name}>");
            let at = rest.find(&close).unwrap();
            rest = &rest[at..];
        }
    }
    (tags, texts)
}

#[test]
fn hostile_names_and_code_are_text() {
    for audited in [Audited::sample(), hostile()] {
        let page = audited.report(report::html);
        let (tags, _) = parsed(&page);
        let scripts = tags.iter().filter(|(name, _)| name == "script").count();
        assert_eq!(scripts, 1, "the page has its own script and no other");
        for (name, attributes) in &tags {
            assert!(
                !["img", "iframe", "object", "link", "base", "form", "b>"].contains(&name.as_str()),
                "{name}"
            );
            for (attribute, value) in attributes {
                assert!(!attribute.starts_with("on"), "{attribute}");
                let leads_out = ["href", "src"].contains(&attribute.as_str());
                assert!(!leads_out || value.starts_with('#'), "{value}");
            }
        }
        assert!(!page.contains("<script>alert"));
    }
    let page = hostile().report(report::html);
    assert!(page.contains("&lt;/script&gt;&lt;img src=x onerror=alert(2)&gt;"));
}

#[test]
fn elements_are_closed_in_order() {
    let page = hostile().report(report::html);
    let void = ["meta", "!doctype", "input", "br", "wbr", "circle", "rect"];
    let mut open = Vec::new();
    for (name, _) in parsed(&page).0 {
        if let Some(name) = name.strip_prefix('/') {
            if void.contains(&name) {
                continue;
            }
            assert_eq!(open.pop().as_deref(), Some(name));
        } else if !void.contains(&name.as_str()) {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn the_page_needs_nothing_else_and_says_everything_without_its_script() {
    let audited = Audited::sample();
    let page = audited.report(report::html);
    assert!(!page.contains("http://") && !page.contains("src="));
    let (tags, texts) = parsed(&page);
    let app = &audited.audit.apps[0];
    let rows = |attribute: &str| {
        let has = |(_, attributes): &&(String, Vec<(String, String)>)| {
            attributes.iter().any(|(name, _)| name == attribute)
        };
        tags.iter().filter(has).count()
    };
    assert_eq!(rows("data-severity"), app.findings.len());
    assert_eq!(rows("data-has"), 11, "every handler has a row");
    for finding in &app.findings {
        assert!(
            texts.contains(&finding.message.replace('\'', "&#39;")),
            "{}",
            finding.message
        );
    }
    // Hidden only by the script.
    assert!(
        !tags
            .iter()
            .any(|(_, attributes)| attributes.iter().any(|(name, _)| name == "hidden"))
    );
}

#[test]
fn secrets_are_never_shown_in_code() {
    let secret = "sk_live_4eC39HqLyjWDarjtT1zdp7dcQ8vN2mXb";
    let route = format!(
        "import Stripe from \"stripe\";\nconst stripe = new Stripe(\"{secret}\");\nexport async function POST() {{\n  \
         await stripe.refunds.create({{}});\n  return new Response();\n}}\n"
    );
    let files = [
        (
            "package.json",
            r#"{ "name": "x", "dependencies": { "next": "15.1.0", "stripe": "17.0.0" } }"#,
        ),
        ("app/api/refund/route.ts", route.as_str()),
    ];
    let repository = readiness::source::Repository::in_memory(&files);
    let audited = Audited::new(repository, "", "");
    let found = &audited.audit.apps[0].findings;
    assert!(
        found
            .iter()
            .any(|finding| finding.rule == "hardcoded-secret")
    );
    for format in [report::html, report::sarif, report::markdown, report::junit] {
        assert!(!audited.report(format).contains(secret));
    }
}

#[test]
fn the_policy_names_the_script() {
    let page = Audited::sample().report(report::html);
    let script = page
        .split("<script>")
        .nth(1)
        .unwrap()
        .split("</script>")
        .next()
        .unwrap();
    let program = "const h=require('crypto').createHash('sha256').update(process.argv[1]).digest('base64');console.log(h)";
    let Ok(output) = Command::new("node").args(["-e", program, script]).output() else {
        eprintln!("skipped: node is not installed");
        return;
    };
    let hash = String::from_utf8(output.stdout).unwrap();
    let expected = format!("sha256-{}", hash.trim());
    assert!(
        page.contains(&expected.replace('\'', "&#39;")),
        "POLICY should hold {expected}"
    );
}

fn browser() -> Option<PathBuf> {
    if let Some(named) = std::env::var_os("READINESS_BROWSER") {
        return Some(PathBuf::from(named));
    }
    let path = std::env::var_os("PATH")?;
    ["chromium", "chromium-browser", "google-chrome", "chrome"]
        .iter()
        .flat_map(|name| std::env::split_paths(&path).map(move |folder| folder.join(name)))
        .find(|file| file.is_file())
}

/// The page as the browser has it after its script ran.
fn dumped(browser: &Path, page: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("report.html");
    std::fs::write(&file, page).unwrap();
    let profile = format!(
        "--user-data-dir={}",
        folder.path().join("profile").display()
    );
    let output = Command::new(browser)
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .arg(profile)
        .args(["--virtual-time-budget=4000", "--dump-dom"])
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn a_real_browser_runs_the_page_and_nothing_of_the_repository() {
    let Some(browser) = browser() else {
        eprintln!("skipped: no Chromium; install one, or name it in READINESS_BROWSER");
        return;
    };
    let audited = hostile();
    // The filter said how many rows it shows: the script ran under the page's policy.
    let dom = dumped(&browser, &audited.report(report::html));
    let gaps = audited.audit.apps[0].findings.len();
    assert!(
        dom.contains(&format!("{gaps} of {gaps}</output>")),
        "{}",
        &dom[..dom.len().min(600)]
    );
    assert!(dom.contains("<html lang=\"en\" class=\"js\">"));
    assert_eq!(dom.matches("<script").count(), 1);
    assert!(!dom.contains("<img"));
}
