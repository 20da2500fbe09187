//! The list of rules and roadmaps, and one rule explained: both from the rule files alone.

use serde::Serialize;

use crate::audit::DEFAULT_ROADMAP;
use crate::rule::{Check, Example, How, Roadmap, Rule, RuleSet, Severity, Signs};

use super::json::pretty;
use super::page::{Block, Column, Ink, Line, Page, Style};
use super::terminal::severity_ink;
use super::text::{count, hours};

/// `readiness/rules/1`
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct Rules<'a> {
    /// `readiness/rules/1`
    pub schema: &'static str,
    /// Every rule, by id.
    pub rules: Vec<RuleRow<'a>>,
    /// Every roadmap, by name.
    pub roadmaps: Vec<RoadmapRow<'a>>,
}

/// One rule.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct RuleRow<'a> {
    /// `route-rate-limit`
    pub id: &'a str,
    /// `security`
    pub category: &'static str,
    /// How bad a gap is.
    pub severity: Severity,
    /// How the rule knows what it says.
    pub how: How,
    /// What it finds, in a few words.
    pub title: &'a str,
    /// The roadmaps that list it.
    pub roadmaps: Vec<&'a str>,
}

/// One roadmap.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct RoadmapRow<'a> {
    /// `standard`
    pub name: &'a str,
    /// What it is called.
    pub title: &'a str,
    /// Its phases, in order.
    pub phases: Vec<PhaseRow<'a>>,
}

/// One phase of a roadmap.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct PhaseRow<'a> {
    /// What it is called.
    pub title: &'a str,
    /// Its items, in order.
    pub items: Vec<ItemRow<'a>>,
}

/// One item of a phase.
#[derive(Clone, Debug, Serialize, schemars::JsonSchema)]
pub struct ItemRow<'a> {
    /// What is to be achieved.
    pub title: &'a str,
    /// How much it weighs.
    pub priority: Severity,
    /// The rules behind it.
    pub rules: &'a [String],
    /// Hours of the whole item; `null` when they depend on the number of gaps.
    pub effort_hours: Option<f64>,
}

/// The rules and roadmaps as JSON, indented, with a line end behind it.
#[must_use]
pub fn rules_json(rules: &RuleSet) -> String {
    let list = rules.rules.iter().map(|rule| RuleRow {
        id: &rule.id,
        category: rule.category.word(),
        severity: rule.severity,
        how: rule.how,
        title: &rule.title,
        roadmaps: listed_by(rules, rule)
            .map(|roadmap| roadmap.name.as_str())
            .collect(),
    });
    pretty(&Rules {
        schema: "readiness/rules/1",
        rules: list.collect(),
        roadmaps: rules.roadmaps.iter().map(roadmap_row).collect(),
    })
}

fn roadmap_row(roadmap: &Roadmap) -> RoadmapRow<'_> {
    let phases = roadmap.phases.iter().map(|phase| PhaseRow {
        title: &phase.title,
        items: phase
            .items
            .iter()
            .map(|item| ItemRow {
                title: &item.title,
                priority: item.priority,
                rules: &item.rules,
                effort_hours: item.effort_hours,
            })
            .collect(),
    });
    RoadmapRow {
        name: &roadmap.name,
        title: &roadmap.title,
        phases: phases.collect(),
    }
}

fn listed_by<'a>(rules: &'a RuleSet, rule: &'a Rule) -> impl Iterator<Item = &'a Roadmap> {
    rules.roadmaps.iter().filter(|roadmap| {
        let mut items = roadmap.phases.iter().flat_map(|phase| &phase.items);
        items.any(|item| item.rules.contains(&rule.id))
    })
}

/// How a rule knows what it says, in words.
fn how_words(how: How) -> &'static str {
    match how {
        How::Static => "from the code",
        How::Evidence => "from documents",
        How::Measured => "from result files",
        How::Attest => "attested by the team",
    }
}

/// The same in one word, as the JSON says it.
fn how_word(how: How) -> &'static str {
    match how {
        How::Static => "static",
        How::Evidence => "evidence",
        How::Measured => "measured",
        How::Attest => "attest",
    }
}

/// On narrower pages one of several roadmaps is named, and the others are counted.
const WIDE: usize = 120;

/// The roadmaps that list a rule, or that all do.
fn roadmaps_in_short(rules: &RuleSet, rule: &Rule, width: usize) -> String {
    let mut listed: Vec<&str> = listed_by(rules, rule)
        .map(|roadmap| roadmap.name.as_str())
        .collect();
    listed.sort_by_key(|name| *name != DEFAULT_ROADMAP);
    match listed.as_slice() {
        [] => String::from("–"),
        all if all.len() == rules.roadmaps.len() => String::from("all"),
        [first, more @ ..] if !more.is_empty() && width < WIDE => {
            format!("{first} +{}", more.len())
        }
        all => all.join(", "),
    }
}

/// The rules and roadmaps as text for a terminal.
#[must_use]
pub fn rules_terminal(rules: &RuleSet, style: Style) -> String {
    let mut page = Page::new(style);
    let mut categories: Vec<_> = rules.rules.iter().map(|rule| rule.category).collect();
    categories.sort_by_key(|category| category.word());
    categories.dedup();
    let wide = style.width >= WIDE;
    let mut blocks = Vec::new();
    for category in categories {
        blocks.push(Block::Heading(category.word().to_owned(), ""));
        for rule in &rules.rules {
            if rule.category != category {
                continue;
            }
            let roadmaps = Line::of(Ink::Faint, &roadmaps_in_short(rules, rule, style.width));
            let mut row = vec![
                Line::of(Ink::Code, &rule.id),
                Line::of(severity_ink(rule.severity), rule.severity.word()),
                Line::of(Ink::Faint, how_word(rule.how)),
            ];
            if wide {
                row.push(Line::of(Ink::Plain, &rule.title));
                row.push(roadmaps);
                blocks.push(Block::Row(row));
            } else {
                row.push(roadmaps);
                blocks.push(Block::Row(row));
                blocks.push(Block::Paragraph(6, Ink::Plain, rule.title.clone()));
            }
        }
    }
    let columns = [
        Column::LEFT,
        Column::LEFT,
        Column::LEFT,
        Column::SENTENCE,
        Column::SENTENCE,
    ];
    page.aligned(2, &columns, blocks);
    page.heading("Roadmaps", "");
    let rows = rules.roadmaps.iter().map(|roadmap| {
        let items = roadmap.phases.iter().map(|phase| phase.items.len()).sum();
        vec![
            Line::of(Ink::Code, &roadmap.name),
            Line::of(Ink::Plain, &roadmap.title),
            Line::of(
                Ink::Faint,
                &format!(
                    "{}, {}",
                    count(roadmap.phases.len(), "phase"),
                    count(items, "item")
                ),
            ),
        ]
    });
    let columns = [Column::LEFT, Column::SENTENCE, Column::LEFT];
    page.table(2, &columns, rows.collect());
    page.blank();
    page.paragraph(
        2,
        Ink::Faint,
        "readiness explain RULE says why a rule matters and how to fix a gap.",
    );
    page.finish()
}

/// One rule explained for a terminal.
#[must_use]
pub fn explain(rules: &RuleSet, rule: &Rule, style: Style) -> String {
    let mut page = Page::new(style);
    page.heading(&rule.id, "");
    page.paragraph(0, Ink::Plain, &rule.title);
    page.blank();
    page.hanging(
        2,
        Line::of(severity_ink(rule.severity), rule.severity.word()).with(
            Ink::Faint,
            &format!(
                " · {} · {} · {} {} · since {}",
                rule.category.word(),
                how_words(rule.how),
                hours(rule.effort_hours),
                if rule.effort_once {
                    "for all gaps"
                } else {
                    "per gap"
                },
                rule.since
            ),
        ),
    );
    section(&mut page, "Why", &rule.why);
    section(&mut page, "Fix", &rule.fix);
    section(&mut page, "Looks at", &looks_at(rule));
    if let Some(example) = crate::rule::example(&rule.id) {
        bad_and_good(&mut page, &example);
    }
    let roadmaps: Vec<&str> = listed_by(rules, rule)
        .map(|roadmap| roadmap.name.as_str())
        .collect();
    if !roadmaps.is_empty() {
        section(&mut page, "Roadmaps", &roadmaps.join(", "));
    }
    if !rule.links.is_empty() || !rule.cwe.is_empty() {
        page.heading("Read more", "");
        for link in &rule.links {
            page.whole_line(Line::of(Ink::Plain, "  ").with(Ink::Code, link));
        }
        let weaknesses = rule
            .cwe
            .iter()
            .map(|cwe| format!("https://cwe.mitre.org/data/definitions/{cwe}.html"));
        for link in weaknesses.filter(|link| !rule.links.contains(link)) {
            page.line(Line::of(Ink::Plain, "  ").with(Ink::Code, &link));
        }
    }
    if rule.may_be_attested() {
        page.heading(
            "Attest",
            "in readiness.toml, where it lies outside the code",
        );
        let table = [
            format!("[attest.{}]", rule.id),
            String::from("by = \"who\""),
            String::from("on = YYYY-MM-DD"),
            String::from("until = YYYY-MM-DD"),
            String::from("evidence = \"https://…\""),
        ];
        snippet(&mut page, &table);
    }
    if has_a_line(rule) {
        page.heading("Suppress", "with a reason, on the line before");
        let comment = format!("// readiness-ignore {} -- reason", rule.id);
        snippet(&mut page, &[comment]);
    } else if rule.how != How::Attest && rule.how != How::Measured {
        page.heading("Suppress", "with a reason, in readiness.toml");
        let table = [
            String::from("[[ignore]]"),
            format!("rule = \"{}\"", rule.id),
            String::from("path = \"**\""),
            String::from("reason = \"…\""),
        ];
        snippet(&mut page, &table);
    }
    page.finish()
}

/// Gaps have a line of code that a comment can stand before; what is missing altogether has none.
fn has_a_line(rule: &Rule) -> bool {
    !matches!(
        rule.check,
        Check::Present(_)
            | Check::Parts(_)
            | Check::Attest(_)
            | Check::Measured(_)
            | Check::Dependency(_)
            | Check::File(_)
            | Check::RouteExists(_)
            | Check::EnvValidation(_)
            | Check::EnvDocumented(_)
            | Check::UnitsTested(_)
    )
}

fn snippet(page: &mut Page, lines: &[String]) {
    for line in lines {
        page.whole_line(Line::of(Ink::Plain, "  ").with(Ink::Code, line));
    }
}

fn bad_and_good(page: &mut Page, example: &Example) {
    if example.bad_file.is_empty() {
        page.heading("Bad", "nothing like the file below");
    } else {
        page.heading("Bad", example.bad_file);
    }
    for (line, guilty) in example.bad() {
        let ink = if guilty { Ink::Bad } else { Ink::Plain };
        let mark = if guilty { "> " } else { "  " };
        page.whole_line(Line::of(ink, mark).with(ink, line));
    }
    page.heading("Good", example.good_file);
    for line in example.good() {
        page.whole_line(Line::of(Ink::Plain, "  ").with(Ink::Plain, line));
    }
}

fn section(page: &mut Page, title: &str, text: &str) {
    page.heading(title, "");
    for paragraph in text.trim().split("\n\n") {
        page.paragraph(2, Ink::Plain, paragraph);
    }
}

/// What a kind of check looks at, as its reference says it: the first paragraph of its documentation.
pub(super) fn looks_at(rule: &Rule) -> String {
    let schema = schemars::schema_for!(Check);
    let kind = rule.check.kind();
    let variants = schema.get("oneOf").and_then(|all| all.as_array());
    let description = variants.into_iter().flatten().find_map(|variant| {
        variant
            .get("properties")
            .and_then(|properties| properties.get(kind))
            .and_then(|_| variant.get("description"))
            .and_then(|text| text.as_str())
    });
    let kind = match description {
        Some(text) => format!("{text} (check kind {kind})"),
        None => format!("check kind {kind}"),
    };
    let (asked, shown) = signs(&rule.check);
    [kind, asked, shown]
        .into_iter()
        .filter(|paragraph| !paragraph.is_empty())
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// The longest list of signs that is shown whole.
const SIGNS_SHOWN: usize = 12;

/// Where a rule that looks for signs is asked, and what counts as there.
fn signs(check: &Check) -> (String, String) {
    let (asked, shown, likely): (Vec<&Signs>, Vec<&Signs>, Vec<&Signs>) = match check {
        Check::Present(it) => (
            it.when.iter().chain(&it.and_when).collect(),
            vec![&it.any],
            it.likely.iter().collect(),
        ),
        Check::Parts(it) => (
            it.when.iter().collect(),
            it.parts.iter().map(|part| &part.any).collect(),
            it.parts.iter().flat_map(|part| &part.likely).collect(),
        ),
        _ => return (String::new(), String::new()),
    };
    let list = |signs: Vec<&Signs>, between: &str| {
        signs
            .into_iter()
            .filter(|signs| !signs.is_empty())
            .map(in_words)
            .collect::<Vec<_>>()
            .join(between)
    };
    let asked = list(asked, ", and ");
    let shown = list(shown, ". Further, where it ");
    let likely = list(likely, ". Further, where it ");
    let likely = match (shown.is_empty(), likely.is_empty()) {
        (_, true) => String::new(),
        (true, false) => format!("It is only likely where the application {likely}."),
        (false, false) => format!(" It is only likely where it {likely}."),
    };
    let shown = if shown.is_empty() {
        shown
    } else {
        format!("It is there where the application {shown}.")
    };
    (
        if asked.is_empty() {
            asked
        } else {
            format!("Asked only where the application {asked}.")
        },
        shown + &likely,
    )
}

/// ``uses the package `a`, `b`, or has the file `c` ``
fn in_words(signs: &Signs) -> String {
    let lists = signs.lists();
    let lists = lists.iter().filter(|(_, entries)| !entries.is_empty());
    let lists: Vec<String> = lists
        .map(|(verb, entries)| {
            let shown = entries.iter().take(SIGNS_SHOWN);
            let shown: Vec<String> = shown.map(|entry| format!("`{entry}`")).collect();
            let more = match entries.len().saturating_sub(SIGNS_SHOWN) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{verb} {}{more}", shown.join(", "))
        })
        .collect();
    lists.join("; or ")
}
