//! The score as a badge: a picture, and what shields.io makes one of.

use serde::Serialize;

use crate::audit::{Audit, grade};

use super::json::pretty;
use super::text::whole;

/// The endpoint badge of shields.io.
#[derive(Serialize)]
struct Shields {
    #[serde(rename = "schemaVersion")]
    schema_version: u32,
    label: &'static str,
    message: String,
    color: &'static str,
}

const LABEL: &str = "readiness";

/// The score as JSON for shields.io.
#[must_use]
pub fn shields(audit: &Audit) -> String {
    let (message, color) = says(audit);
    pretty(&Shields {
        schema_version: 1,
        label: LABEL,
        message,
        color,
    })
}

/// The score as an SVG picture.
#[must_use]
pub fn badge(audit: &Audit) -> String {
    let (message, color) = says(audit);
    // Seven units a letter, and six on either side; the text is stretched to fit, whatever the font.
    let width = |text: &str| 7 * u32::try_from(text.chars().count()).unwrap_or(0) + 12;
    let (left, right) = (width(LABEL), width(&message));
    let whole = left + right;
    let text = |x: u32, text: &str, room: u32| {
        format!(
            "<text x=\"{x}\" y=\"14\" textLength=\"{}\" lengthAdjust=\"spacingAndGlyphs\">{text}</text>",
            room - 12
        )
    };
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{whole}\" height=\"20\" role=\"img\" aria-label=\"{LABEL}: {message}\">\n\
         <title>{LABEL}: {message}</title>\n\
         <clipPath id=\"r\"><rect width=\"{whole}\" height=\"20\" rx=\"3\"/></clipPath>\n\
         <g clip-path=\"url(#r)\"><rect width=\"{left}\" height=\"20\" fill=\"#444\"/>\
         <rect x=\"{left}\" width=\"{right}\" height=\"20\" fill=\"{color}\"/></g>\n\
         <g fill=\"#fff\" font-family=\"Verdana,Geneva,DejaVu Sans,sans-serif\" font-size=\"11\">{}{}</g>\n\
         </svg>\n",
        text(6, LABEL, left),
        text(left + 6, &message, right)
    )
}

/// The lowest score, its grade and its colour: an application is as ready as its weakest part.
fn says(audit: &Audit) -> (String, &'static str) {
    let scores = audit.apps.iter().filter_map(|app| app.score);
    let Some(lowest) = scores.reduce(f64::min) else {
        return (String::from("not judged"), "#666");
    };
    let grade = grade(lowest);
    let color = match grade {
        'A' => "#2a7d3f",
        'B' => "#5a7a1f",
        'C' => "#8a6d00",
        'D' => "#a85400",
        _ => "#b3261e",
    };
    (format!("{} of 100 ({grade})", whole(lowest)), color)
}
