//! Every handler, control by control, with filters.

use crate::audit::AppAudit;
use crate::model::{RouteFacts, Standing};
use crate::report::material::Material;
use crate::report::page::Ink;
use crate::report::routes_terminal::{mark, word};
use crate::rule::Control;

use super::write::Html;

/// The table of an application's handlers.
pub(super) fn matrix(page: &mut Html, material: &Material<'_>, app: &AppAudit, id: &str) {
    let facts = material.app_model(app);
    let routes: Vec<&RouteFacts> = facts
        .into_iter()
        .flat_map(|facts| facts.endpoints())
        .collect();
    if routes.is_empty() {
        return;
    }
    page.block("h3", &[("id", &format!("{id}-matrix"))], "Routes");
    let list = format!("{id}-routes");
    filter(page, &list);
    page.open("div", &[("class", "wide"), ("id", &list)]);
    page.own(
        "<table><caption>Every handler and how far each control reaches it</caption><thead><tr>",
    );
    page.own("<th scope=\"col\">Handler</th>");
    for control in Control::ALL {
        page.element("th", &[("scope", "col")], control.title());
    }
    page.own("</tr></thead>\n<tbody>\n");
    for facts in routes {
        row(page, facts);
    }
    page.own("</tbody></table></div>\n");
}

fn filter(page: &mut Html, list: &str) {
    page.open("div", &[("class", "filter"), ("data-filter", list)]);
    page.own("<label>Search <input type=\"search\" placeholder=\"path, method, file\"></label>");
    page.own("<label>Show <select name=\"has\"><option value=\"\">every handler</option>");
    page.own("<option value=\"gap\">with something missing</option>");
    for control in Control::ALL {
        let value = format!("no-{}", control.key());
        page.element(
            "option",
            &[("value", &value)],
            &format!("{} missing or partial", control.title()),
        );
    }
    page.own("<option value=\"unknown\">with something unknown</option>");
    page.own("<option value=\"public\">public</option></select></label>");
    page.own("<output aria-live=\"polite\"></output>");
    page.close("div");
}

fn row(page: &mut Html, facts: &RouteFacts) {
    let name = facts.route.name();
    let place = format!("{}:{}", facts.file, facts.location.line);
    let public = facts.public_declared || facts.public_guess.is_some();
    let mut has = Vec::new();
    for control in Control::ALL {
        match facts.standing(control) {
            Some(Standing::Missing | Standing::Partly) => has.push(format!("no-{}", control.key())),
            Some(Standing::Unknown) if !has.iter().any(|each| each == "unknown") => {
                has.push(String::from("unknown"))
            }
            _ => {}
        }
    }
    if has.iter().any(|each| each.starts_with("no-")) {
        has.push(String::from("gap"));
    }
    if public {
        has.push(String::from("public"));
    }
    page.open(
        "tr",
        &[
            ("data-row", &format!("{name} {place}")),
            ("data-has", &has.join(" ")),
        ],
    );
    page.own("<th scope=\"row\">");
    page.path("code", &[], &name);
    if public {
        page.own(" <span class=\"soft\">public</span>");
    }
    if !facts.expensive.is_empty() {
        page.own(" <span class=\"fair\">expensive</span>");
    }
    page.own("<br>");
    page.path("span", &[("class", "soft")], &place);
    page.own("</th>");
    for control in Control::ALL {
        let status = facts.status(control);
        let (ink, sign) = mark(status);
        // What is not asked of the handler is no fault of it.
        let class = match ink {
            Ink::Good => "good",
            _ if facts.standing(control).is_none() => "none",
            Ink::Fair => "fair",
            Ink::Bad => "bad",
            _ => "none",
        };
        let verdict = facts.controls.get(&control);
        let limit = verdict.and_then(|verdict| verdict.limit.as_deref());
        let proof: Vec<String> = verdict
            .into_iter()
            .flat_map(|verdict| &verdict.evidence)
            .map(|step| format!("{}:{} {}", step.file, step.line, step.note))
            .collect();
        page.open("td", &[("title", &proof.join(" → "))]);
        page.element(
            "span",
            &[("class", class)],
            &format!("{sign} {}", word(status)),
        );
        if let Some(limit) = limit {
            page.text(&format!(" {limit}"));
        }
        page.own("</td>");
    }
    page.own("</tr>\n");
}
