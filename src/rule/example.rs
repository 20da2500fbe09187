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
    /// The file with the gap, inside its fixture; empty where the gap is that there is none.
    pub bad_file: &'static str,
    bad: &'static str,
    /// The file that has it no more.
    pub good_file: &'static str,
    good: &'static str,
}

/// The example of a rule, when it has fixtures.
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
    /// The lines around the gap, without their marks; true for the guilty ones, where lines are guilty.
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
        let good: Vec<&str> = self.good.lines().collect();
        let guilty = lines.iter().position(|(_, guilty)| *guilty);
        let gone = || {
            let mut lines = lines.iter();
            lines.position(|(line, _)| !line.starts_with("import ") && !good.contains(line))
        };
        let differs = || {
            let same = |(bad, good): &(&(&str, bool), &&str)| bad.0 == **good;
            lines.iter().zip(&good).take_while(same).count()
        };
        let first = guilty.or_else(gone).unwrap_or_else(differs);
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
        if bad.is_empty() {
            return window(&lines, 0);
        }
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
    fn every_example_shows_what_is_missing_or_guilty_and_what_is_good() {
        assert!(!EMBEDDED.is_empty());
        for embedded in EMBEDDED {
            let example = example(embedded.0).unwrap();
            assert_eq!(
                example.bad().is_empty(),
                example.bad_file.is_empty(),
                "{}",
                embedded.0
            );
            assert!(!example.good().is_empty(), "{}", embedded.0);
            let bad = example.bad.lines();
            let bad = bad.map(|line| example.without_mark(line).unwrap_or(line));
            assert!(
                example.bad_file != example.good_file || !bad.eq(example.good.lines()),
                "{} is the same before and after",
                embedded.0
            );
        }
    }
}
