//! The bad and the good example of a rule: what its own fixtures show.

/// Rule, bad file and text, good file and text.
type Embedded = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
);

const EMBEDDED: &[Embedded] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

/// Lines shown of each text.
const LINES: usize = 14;
/// Lines shown before the first that matters.
const BEFORE: usize = 2;

/// A gap and the same code put right.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Example {
    rule: &'static str,
    /// The file with the gap, inside its fixture.
    pub bad_file: &'static str,
    bad: &'static str,
    /// The file that has it no more.
    pub good_file: &'static str,
    good: &'static str,
}

/// The example of a rule, when its fixtures mark a line.
#[must_use]
pub fn example(rule: &str) -> Option<Example> {
    let found = EMBEDDED.iter().find(|embedded| embedded.0 == rule)?;
    let &(rule, bad_file, bad, good_file, good) = found;
    Some(Example {
        rule,
        bad_file,
        bad,
        good_file,
        good,
    })
}

impl Example {
    /// The lines around the gap, without their marks; true for the guilty ones.
    #[must_use]
    pub fn bad(&self) -> Vec<(&'static str, bool)> {
        let lines: Vec<(&str, bool)> = self
            .bad
            .lines()
            .map(|line| match self.without_mark(line) {
                Some(line) => (line, true),
                None => (line, false),
            })
            .collect();
        let first = lines.iter().position(|(_, guilty)| *guilty).unwrap_or(0);
        window(&lines, first)
    }

    /// The lines that put it right: from the first that is not in the bad file, imports aside.
    #[must_use]
    pub fn good(&self) -> Vec<&'static str> {
        let bad: Vec<&str> = self
            .bad
            .lines()
            .map(|line| self.without_mark(line).unwrap_or(line))
            .collect();
        let lines: Vec<&str> = self.good.lines().collect();
        let is_new = |line: &&str| !line.starts_with("import ") && !bad.contains(line);
        let first = lines.iter().position(is_new).unwrap_or(0);
        window(&lines, first)
    }

    fn without_mark(&self, line: &'static str) -> Option<&'static str> {
        let rest = line.strip_suffix(self.rule)?.strip_suffix("~ ")?;
        Some(rest.trim_end_matches(['/', '#']).trim_end())
    }
}

/// The lines from just before `first` on, or from further up near the file's end, without empty ones at either end.
fn window<T: Copy + Text>(lines: &[T], first: usize) -> Vec<T> {
    let latest = lines.len().saturating_sub(LINES);
    let start = first.saturating_sub(BEFORE).min(latest);
    let shown = lines.iter().skip(start).take(LINES);
    let mut shown: Vec<T> = shown.copied().skip_while(|line| line.is_blank()).collect();
    while shown.last().is_some_and(Text::is_blank) {
        shown.pop();
    }
    shown
}

trait Text {
    fn is_blank(&self) -> bool;
}

impl Text for &str {
    fn is_blank(&self) -> bool {
        self.trim().is_empty()
    }
}

impl Text for (&str, bool) {
    fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{EMBEDDED, Example, example};

    #[test]
    fn the_guilty_line_is_shown_without_its_mark_and_the_good_one_beside_it() {
        let example = Example {
            rule: "route-auth",
            bad_file: "route.ts",
            bad: "import a from \"a\";\n\nexport function GET() { //~ route-auth\n  work();\n}\n",
            good_file: "route.ts",
            good: "\nexport function GET() {\n  check();\n  work();\n}\n\n",
        };
        assert_eq!(
            example.bad(),
            [
                ("import a from \"a\";", false),
                ("", false),
                ("export function GET() {", true),
                ("  work();", false),
                ("}", false)
            ]
        );
        assert_eq!(
            example.good(),
            ["export function GET() {", "  check();", "  work();", "}"]
        );
    }

    #[test]
    fn a_long_file_is_shown_from_just_before_what_matters() {
        let lines: Vec<String> = (0..40).map(|number| number.to_string()).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let shown = |first| super::window(&lines, first);
        assert_eq!(shown(20).first(), Some(&"18"));
        assert_eq!(shown(20).len(), 14);
        assert_eq!(
            shown(39).first(),
            Some(&"26"),
            "the end is filled up from above"
        );
        assert_eq!(shown(0).first(), Some(&"0"));
    }

    #[test]
    fn every_embedded_example_shows_a_guilty_line() {
        assert!(!EMBEDDED.is_empty());
        for embedded in EMBEDDED {
            let example = example(embedded.0).unwrap();
            assert!(
                example.bad().iter().any(|(_, guilty)| *guilty),
                "{}",
                embedded.0
            );
            assert!(!example.good().is_empty(), "{}", embedded.0);
            assert_ne!(example.bad, example.good, "{}", embedded.0);
        }
    }
}
