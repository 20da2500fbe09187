//! A share drawn as a bar, and the colour that a share has.

use super::page::{Ink, Line};

/// The colour of a score between 0 and 100; what an F gets is red.
pub(super) fn ink_of(score: f64) -> Ink {
    if score >= 80.0 {
        Ink::Good
    } else if score >= 60.0 {
        Ink::Fair
    } else {
        Ink::Bad
    }
}

/// `████░░░░░░`: `score` of 100 in `cells` columns. Full only at 100 and empty only at 0, whatever rounding says.
pub(super) fn bar(score: f64, cells: usize) -> Line {
    let share = (score / 100.0).clamp(0.0, 1.0);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a bar has a few dozen cells"
    )]
    let mut filled = (share * cells as f64).round() as usize;
    if share > 0.0 {
        filled = filled.max(1);
    }
    if share < 1.0 {
        filled = filled.min(cells.saturating_sub(1));
    }
    Line::of(ink_of(score), &"█".repeat(filled)).with(Ink::Faint, &"░".repeat(cells - filled))
}

/// The bar of a score, or a dash where there is none.
pub(super) fn bar_or_dash(score: Option<f64>, cells: usize) -> Line {
    score.map_or_else(|| Line::of(Ink::Faint, "–"), |score| bar(score, cells))
}

/// The colour of a score, faint where there is none.
pub(super) fn ink_or_faint(score: Option<f64>) -> Ink {
    score.map_or(Ink::Faint, ink_of)
}

/// `covered` of `total` as a score; nothing to cover is full.
pub(super) fn share(covered: usize, total: usize) -> f64 {
    if total == 0 {
        return 100.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of handlers are small")]
    let share = covered as f64 / total as f64;
    share * 100.0
}

#[cfg(test)]
mod tests {
    use super::bar;
    use crate::report::page::{Page, Style};

    #[test]
    fn a_bar_is_full_only_when_nothing_is_missing() {
        let draw = |score| {
            let mut page = Page::new(Style::default());
            page.line(bar(score, 10));
            page.finish()
        };
        assert_eq!(draw(100.0), "██████████\n");
        assert_eq!(draw(99.0), "█████████░\n");
        assert_eq!(draw(0.4), "█░░░░░░░░░\n");
        assert_eq!(draw(0.0), "░░░░░░░░░░\n");
        assert_eq!(draw(52.0), "█████░░░░░\n");
    }
}
