//! Pictures: the score as a ring, shares as bars, coverage as stacked bars. Each says in words what it shows.

use crate::audit::AppAudit;
use crate::report::bar::ink_of;
use crate::report::page::Ink;
use crate::report::text::{graded, whole};

use super::write::Html;

/// The class with the colour of a score.
fn class_of(score: f64) -> &'static str {
    match ink_of(score) {
        Ink::Good => "good",
        Ink::Fair => "fair",
        _ => "bad",
    }
}

/// The class that fills with that colour.
fn fill_of(score: f64) -> &'static str {
    match ink_of(score) {
        Ink::Good => "fill-good",
        Ink::Fair => "fill-fair",
        _ => "fill-bad",
    }
}

/// The score and the grade in a ring.
pub(super) fn score(page: &mut Html, app: &AppAudit) {
    const AROUND: f64 = 2.0 * std::f64::consts::PI * 45.0;
    let (Some(score), Some(grade)) = (app.score, app.grade) else {
        page.element(
            "p",
            &[("class", "none")],
            &format!("Score: {}", graded(app)),
        );
        return;
    };
    let label = format!("Score {}", graded(app));
    page.open(
        "svg",
        &[
            ("width", "120"),
            ("height", "120"),
            ("viewBox", "0 0 120 120"),
            ("role", "img"),
            ("aria-label", &label),
        ],
    );
    page.own("<circle class=\"ring\" cx=\"60\" cy=\"60\" r=\"45\"/>");
    let class = format!("ring {}", class_of(score));
    let dash = format!(
        "{:.1} {AROUND:.1}",
        AROUND * score.clamp(0.0, 100.0) / 100.0
    );
    page.open(
        "circle",
        &[
            ("class", &class),
            ("cx", "60"),
            ("cy", "60"),
            ("r", "45"),
            ("stroke-dasharray", &dash),
            ("transform", "rotate(-90 60 60)"),
        ],
    );
    page.own("</circle>");
    let middle = [("x", "60"), ("text-anchor", "middle")];
    page.element(
        "text",
        &[middle[0], middle[1], ("y", "64"), ("class", "big")],
        &whole(score),
    );
    page.element(
        "text",
        &[middle[0], middle[1], ("y", "84")],
        &format!("grade {grade}"),
    );
    page.close("svg");
}

/// A small bar for a score of 100, or a dash.
pub(super) fn bar(page: &mut Html, score: Option<f64>) {
    let Some(score) = score else {
        page.element("span", &[("class", "bar none")], "nothing in it applies");
        return;
    };
    let label = format!("{} of 100", whole(score));
    page.own("<span class=\"bar\">");
    page.open(
        "svg",
        &[
            ("width", "120"),
            ("height", "10"),
            ("viewBox", "0 0 120 10"),
            ("role", "img"),
            ("aria-label", &label),
        ],
    );
    page.own("<rect class=\"fill-none\" width=\"120\" height=\"10\" rx=\"3\"/>");
    let width = format!("{:.1}", 1.2 * score.clamp(0.0, 100.0));
    page.open(
        "rect",
        &[
            ("class", fill_of(score)),
            ("width", &width),
            ("height", "10"),
            ("rx", "3"),
        ],
    );
    page.own("</rect></svg> ");
    page.text(&whole(score));
    page.own("</span>");
}

/// Per control: how many handlers it reaches, in part, of how many it is unknown, and how many it misses.
pub(super) fn coverage(page: &mut Html, app: &AppAudit) {
    let asked: Vec<_> = app.coverage.iter().filter(|each| each.total > 0).collect();
    if asked.is_empty() {
        page.block("p", &[], "There is no handler that a control could reach.");
        return;
    }
    page.own("<div class=\"wide\"><table class=\"fit\"><caption>Handlers that each control provably reaches</caption><tbody>\n");
    for each in asked {
        let missing = each
            .total
            .saturating_sub(each.covered + each.partial + each.unknown);
        let parts = [
            ("fill-good", each.covered, "reached"),
            ("fill-fair", each.partial, "partly"),
            ("fill-none", each.unknown, "unknown"),
            ("fill-bad", missing, "missing"),
        ];
        let said: Vec<String> = parts
            .iter()
            .filter(|(_, number, _)| *number > 0)
            .map(|(_, number, word)| format!("{number} {word}"))
            .collect();
        let said = said.join(", ");
        page.own("<tr>");
        page.element("th", &[("scope", "row")], &each.control.replace('_', " "));
        page.own("<td>");
        page.open(
            "svg",
            &[
                ("width", "360"),
                ("height", "16"),
                ("viewBox", "0 0 360 16"),
                ("preserveAspectRatio", "none"),
                ("role", "img"),
                ("aria-label", &said),
            ],
        );
        let mut x = 0.0;
        for (class, number, _) in parts {
            #[expect(clippy::cast_precision_loss, reason = "counts of handlers are small")]
            let width = 360.0 * number as f64 / each.total as f64;
            if number > 0 {
                page.open(
                    "rect",
                    &[
                        ("class", class),
                        ("x", &format!("{x:.1}")),
                        ("width", &format!("{width:.1}")),
                        ("height", "16"),
                    ],
                );
                page.own("</rect>");
            }
            x += width;
        }
        page.own("</svg></td>");
        page.element(
            "td",
            &[("class", "number")],
            &format!("{}/{}", each.covered, each.total),
        );
        page.element("td", &[("class", "soft")], &said);
        page.own("</tr>\n");
    }
    page.own("</tbody></table></div>\n");
}
