//! Rules as SARIF describes them: everything that GitHub shows beside an alert.

use crate::finding::Finding;
use crate::rule::{Category, Confidence, How, Rule, Severity};

use super::log::{Configuration, Descriptor, Help, Message, RuleProperties};
use crate::report::material::sentence;
use crate::report::rules::looks_at;
use crate::report::text::one_line;

/// GitHub takes no longer descriptions.
const LONGEST_DESCRIPTION: usize = 1024;

/// How loudly a reader is told of a finding: what is only likely is never an error.
pub(super) fn level_of(finding: &Finding) -> &'static str {
    match (level(finding.severity), finding.confidence) {
        ("error", Confidence::Low) => "warning",
        (level, _) => level,
    }
}

/// How loudly a reader is told.
pub(super) fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical | Severity::High => "error",
        Severity::Medium => "warning",
        Severity::Low => "note",
    }
}

/// A rule with its whole text.
pub(super) fn descriptor(rule: &Rule) -> Descriptor {
    Descriptor {
        id: rule.id.clone(),
        // A name that differs from the id only in its letters' case says nothing, and is no valid one.
        name: rule.id.contains('-').then(|| pascal(&rule.id)),
        short_description: Message::new(sentence(&rule.title)),
        full_description: Message::new(shortened(&one_line(&rule.why))),
        help: Help {
            text: help_text(rule),
            markdown: help_markdown(rule),
        },
        help_uri: rule.links.first().cloned(),
        default_configuration: Configuration {
            level: level(rule.severity),
        },
        properties: RuleProperties {
            tags: tags(rule),
            precision: match rule.confidence {
                Confidence::High => "high",
                Confidence::Low => "medium",
            },
            problem_severity: match rule.severity {
                Severity::Critical | Severity::High => "error",
                Severity::Medium => "warning",
                Severity::Low => "recommendation",
            },
            security_severity: is_security(rule).then(|| security_severity(rule.severity)),
        },
    }
}

fn is_security(rule: &Rule) -> bool {
    rule.category == Category::Security || !rule.cwe.is_empty()
}

/// A number in the middle of the range that GitHub calls by the same word.
fn security_severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "9.5",
        Severity::High => "8.0",
        Severity::Medium => "5.5",
        Severity::Low => "2.0",
    }
}

fn tags(rule: &Rule) -> Vec<String> {
    let mut tags = vec![rule.category.word().to_owned()];
    if is_security(rule) && rule.category != Category::Security {
        tags.push(String::from("security"));
    }
    // Three digits at least, as GitHub writes them.
    tags.extend(
        rule.cwe
            .iter()
            .map(|cwe| format!("external/cwe/cwe-{cwe:03}")),
    );
    tags.push(String::from(match rule.how {
        How::Static => "static",
        How::Evidence => "evidence",
        How::Measured => "measured",
        How::Attest => "attest",
    }));
    tags
}

/// `route-rate-limit` as `RouteRateLimit`.
fn pascal(id: &str) -> String {
    let words = id.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().collect::<String>() + letters.as_str()
    });
    words.collect()
}

/// `text`, or as many of its sentences as a description may have.
fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST_DESCRIPTION {
        return text.to_owned();
    }
    let kept: String = text.chars().take(LONGEST_DESCRIPTION - 1).collect();
    match kept.rfind(". ") {
        Some(end) => kept[..=end].to_owned(),
        None => kept + "…",
    }
}

fn help_text(rule: &Rule) -> String {
    let mut text = format!("{}\n\nFix: {}", one_line(&rule.why), one_line(&rule.fix));
    for link in &rule.links {
        text.push('\n');
        text.push_str(link);
    }
    text
}

fn help_markdown(rule: &Rule) -> String {
    let mut text = format!(
        "{}\n\n**Fix.** {}\n\n**What it looks at.** {}\n",
        rule.why,
        rule.fix,
        one_line(&looks_at(rule))
    );
    if let Some(example) = crate::rule::example(&rule.id) {
        let bad: Vec<&str> = example.bad().into_iter().map(|(line, _)| line).collect();
        if bad.is_empty() {
            text.push_str("\n**Bad.** Nothing like the file below.\n");
        } else {
            fenced(&mut text, "Bad", example.bad_file, &bad);
        }
        fenced(&mut text, "Good", example.good_file, &example.good());
    }
    if !rule.links.is_empty() || !rule.cwe.is_empty() {
        text.push_str("\n**Read more.**\n\n");
        for link in &rule.links {
            text.push_str(&format!("- <{link}>\n"));
        }
        for cwe in &rule.cwe {
            let link = format!("https://cwe.mitre.org/data/definitions/{cwe}.html");
            text.push_str(&format!("- [CWE-{cwe}]({link})\n"));
        }
    }
    text.push_str(&format!(
        "\nTo suppress it, with a reason: `// readiness-ignore {} -- reason`\n",
        rule.id
    ));
    text
}

fn fenced(text: &mut String, title: &str, file: &str, lines: &[&str]) {
    let language = match file.rsplit_once('.') {
        Some((_, end @ ("ts" | "tsx" | "js" | "jsx" | "json" | "yml" | "toml"))) => end,
        _ => "",
    };
    text.push_str(&format!("\n**{title}** (`{file}`)\n\n```{language}\n"));
    for line in lines {
        text.push_str(line);
        text.push('\n');
    }
    text.push_str("```\n");
}

#[cfg(test)]
mod tests {
    use super::{pascal, shortened};

    #[test]
    fn long_texts_end_with_a_sentence() {
        let text = "One sentence of forty letters or so here. ".repeat(40);
        let short = shortened(&text);
        assert!(short.len() <= 1024 && short.ends_with("here."), "{short}");
        assert_eq!(shortened("short"), "short");
        assert_eq!(pascal("route-rate-limit"), "RouteRateLimit");
    }
}
