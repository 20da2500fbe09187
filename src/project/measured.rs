//! Result files of other tools, read to named values: coverage, load tests, Lighthouse, dependency audits.

use std::collections::BTreeMap;

use serde_json::Value;

use super::document::nests_too_deep;

/// What a result file says: values by name, and for coverage the files of which no line ran.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct MeasuredValues {
    /// `lines` → 71.2, `p95` → 830.
    pub values: BTreeMap<String, f64>,
    /// Source files of which no line was executed, as written.
    pub unexecuted: Vec<String>,
}

impl MeasuredValues {
    fn set(&mut self, name: &str, value: Option<f64>) {
        if let Some(value) = value.filter(|value| value.is_finite()) {
            self.values.insert(name.to_owned(), value);
        }
    }
}

fn json(text: &str) -> Result<Value, String> {
    if nests_too_deep(text) {
        return Err(String::from("nested too deep"));
    }
    serde_json::from_str(text).map_err(|error| format!("not valid JSON: {error}"))
}

fn number(value: &Value, path: &[&str]) -> Option<f64> {
    let found = path.iter().try_fold(value, |value, key| value.get(key))?;
    found
        .as_f64()
        .or_else(|| found.as_str().and_then(|text| text.parse().ok()))
}

fn share(hit: f64, found: f64) -> Option<f64> {
    (found > 0.0).then(|| 100.0 * hit / found)
}

/// `coverage-summary.json`, `lcov.info` or `cobertura.xml`.
///
/// # Errors
/// When it is none of them.
pub(crate) fn coverage(text: &str) -> Result<MeasuredValues, String> {
    let begin = text.trim_start();
    let mut measured = MeasuredValues::default();
    if begin.starts_with('{') {
        let summary = json(text)?;
        for name in ["lines", "branches", "functions", "statements"] {
            measured.set(name, number(&summary, &["total", name, "pct"]));
        }
        for (file, entry) in summary.as_object().into_iter().flatten() {
            let covered = number(entry, &["lines", "covered"]);
            let total = number(entry, &["lines", "total"]);
            if file != "total" && covered == Some(0.0) && total.is_some_and(|total| total > 0.0) {
                measured.unexecuted.push(file.clone());
            }
        }
    } else if begin.starts_with('<') {
        let tag = begin
            .find("<coverage")
            .and_then(|at| begin.get(at..)?.split('>').next())
            .unwrap_or_default();
        let rate = |name: &str| {
            let at = tag.find(&format!("{name}=\""))? + name.len() + 2;
            tag.get(at..)?.split('"').next()?.parse::<f64>().ok()
        };
        measured.set("lines", rate("line-rate").map(|rate| rate * 100.0));
        measured.set("branches", rate("branch-rate").map(|rate| rate * 100.0));
    } else {
        lcov(text, &mut measured);
    }
    if measured.values.is_empty() {
        return Err(String::from(
            "no coverage summary, lcov or cobertura report",
        ));
    }
    Ok(measured)
}

fn lcov(text: &str, measured: &mut MeasuredValues) {
    let mut sums: BTreeMap<&str, f64> = BTreeMap::new();
    let (mut file, mut hit, mut found) = ("", 0.0, 0.0);
    for line in text.lines() {
        let Some((key, value)) = line.split_once(':') else {
            if line.trim() == "end_of_record" {
                if hit == 0.0 && found > 0.0 {
                    measured.unexecuted.push(file.to_owned());
                }
                (file, hit, found) = ("", 0.0, 0.0);
            }
            continue;
        };
        if key == "SF" {
            file = value.trim();
            continue;
        }
        let Ok(count) = value.trim().parse::<f64>() else {
            continue;
        };
        match key {
            "LH" => hit = count,
            "LF" => found = count,
            _ => {}
        }
        if matches!(key, "LH" | "LF" | "BRH" | "BRF" | "FNH" | "FNF") {
            *sums.entry(key).or_default() += count;
        }
    }
    for (name, hit, found) in [
        ("lines", "LH", "LF"),
        ("branches", "BRH", "BRF"),
        ("functions", "FNH", "FNF"),
    ] {
        let sum = |key: &str| sums.get(key).copied().unwrap_or(0.0);
        measured.set(name, share(sum(hit), sum(found)));
    }
}

/// A summary of k6 (`--summary-export`, or `handleSummary`) or Artillery.
///
/// # Errors
/// When it is none of them.
pub(crate) fn load(text: &str) -> Result<MeasuredValues, String> {
    let report = json(text)?;
    let mut measured = MeasuredValues::default();
    if let Some(metrics) = report.get("metrics") {
        // The values stand under `values` in what `handleSummary` is given, and right there in an export.
        let of = |metric: &str, key: &str| {
            number(metrics, &[metric, "values", key]).or_else(|| number(metrics, &[metric, key]))
        };
        measured.set("p95", of("http_req_duration", "p(95)"));
        measured.set("p99", of("http_req_duration", "p(99)"));
        measured.set("mean", of("http_req_duration", "avg"));
        measured.set("waiting-p95", of("http_req_waiting", "p(95)"));
        let failed = of("http_req_failed", "rate").or_else(|| of("http_req_failed", "value"));
        measured.set("errors", failed.map(|rate| rate * 100.0));
    } else if let Some(aggregate) = report.get("aggregate") {
        for (name, key) in [("p95", "p95"), ("p99", "p99"), ("mean", "mean")] {
            let value = number(aggregate, &["summaries", "http.response_time", key])
                .or_else(|| number(aggregate, &["latency", key]));
            measured.set(name, value);
        }
        let counters = aggregate.get("counters").and_then(Value::as_object);
        let sum = |wanted: &dyn Fn(&str) -> bool| -> f64 {
            let all = counters.into_iter().flatten();
            all.filter(|(name, _)| wanted(name))
                .filter_map(|(_, count)| count.as_f64())
                .sum()
        };
        let requests = sum(&|name| name == "http.requests");
        let failed = sum(&|name| name.starts_with("http.codes.5") || name.starts_with("errors."));
        measured.set("errors", share(failed, requests));
    }
    if measured.values.is_empty() {
        return Err(String::from("no k6 or Artillery summary"));
    }
    Ok(measured)
}

/// A Lighthouse report, or the summary of several that Lighthouse CI writes.
///
/// # Errors
/// When it is none.
pub(crate) fn lighthouse(text: &str) -> Result<MeasuredValues, String> {
    let report = json(text)?;
    let mut measured = MeasuredValues::default();
    let audits = [
        ("lcp", "largest-contentful-paint"),
        ("fcp", "first-contentful-paint"),
        ("tbt", "total-blocking-time"),
        ("cls", "cumulative-layout-shift"),
        ("inp", "interaction-to-next-paint"),
        ("fid", "max-potential-fid"),
        ("ttfb", "server-response-time"),
    ];
    for (name, audit) in audits {
        measured.set(name, number(&report, &["audits", audit, "numericValue"]));
    }
    for name in ["performance", "accessibility", "seo"] {
        let score = number(&report, &["categories", name, "score"]);
        measured.set(name, score.map(|score| score * 100.0));
    }
    if measured.values.is_empty() {
        return Err(String::from("no Lighthouse report"));
    }
    Ok(measured)
}

/// `npm audit --json`, `pnpm audit --json`, `yarn npm audit --json`, `yarn audit --json`.
///
/// # Errors
/// When it is none of them.
pub(crate) fn audit(text: &str) -> Result<MeasuredValues, String> {
    let mut measured = MeasuredValues::default();
    let mut read = |report: &Value| {
        for counts in [
            report.pointer("/metadata/vulnerabilities"),
            report.pointer("/data/vulnerabilities"),
        ]
        .into_iter()
        .flatten()
        {
            for name in ["critical", "high", "moderate", "low"] {
                measured.set(name, counts.get(name).and_then(Value::as_f64));
            }
        }
    };
    match json(text) {
        Ok(report) => read(&report),
        // One JSON value per line, as yarn writes it.
        Err(problem) => {
            let values = text.lines().filter_map(|line| json(line).ok());
            let values: Vec<Value> = values.collect();
            if values.is_empty() {
                return Err(problem);
            }
            values.iter().for_each(&mut read);
        }
    }
    if measured.values.is_empty() {
        return Err(String::from("no report of npm, pnpm or yarn audit"));
    }
    Ok(measured)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(measured: &MeasuredValues, name: &str) -> f64 {
        (measured.values[name] * 10.0).round() / 10.0
    }

    #[test]
    fn three_forms_of_coverage() {
        let summary = coverage(
            r#"{"total":{"lines":{"pct":71.5},"branches":{"pct":"Unknown"}},"/r/a.ts":{"lines":{"total":3,"covered":0}}}"#,
        )
        .unwrap();
        assert!((value(&summary, "lines") - 71.5).abs() < 0.01);
        assert!(!summary.values.contains_key("branches"));
        assert_eq!(summary.unexecuted, ["/r/a.ts"]);
        let lcov = coverage(
            "SF:src/a.ts\nLF:4\nLH:3\nend_of_record\nSF:src/b.ts\nLF:4\nLH:0\nend_of_record\n",
        )
        .unwrap();
        assert!((value(&lcov, "lines") - 37.5).abs() < 0.01);
        assert_eq!(lcov.unexecuted, ["src/b.ts"]);
        let cobertura = coverage(
            "<?xml version=\"1.0\"?>\n<coverage line-rate=\"0.8\" branch-rate=\"0.5\"><packages/></coverage>",
        )
        .unwrap();
        assert!((value(&cobertura, "lines") - 80.0).abs() < 0.01);
        for text in ["", "{}", "<x", "{", "SF:a\nend_of_record"] {
            assert!(coverage(text).is_err(), "{text}");
        }
    }

    #[test]
    fn load_lighthouse_and_audits() {
        let export = load(r#"{"metrics":{"http_req_duration":{"avg":90,"p(95)":830.2},"http_req_failed":{"value":0.02}}}"#).unwrap();
        assert!((value(&export, "p95") - 830.2).abs() < 0.01);
        assert!((value(&export, "errors") - 2.0).abs() < 0.01);
        let artillery = load(r#"{"aggregate":{"counters":{"http.requests":200,"http.codes.500":3,"errors.ETIMEDOUT":1},"summaries":{"http.response_time":{"p95":400}}}}"#).unwrap();
        assert!((value(&artillery, "errors") - 2.0).abs() < 0.01);
        let page = lighthouse(r#"{"categories":{"performance":{"score":0.93}},"audits":{"largest-contentful-paint":{"numericValue":2400}}}"#).unwrap();
        assert!((value(&page, "performance") - 93.0).abs() < 0.01);
        let npm = audit(r#"{"metadata":{"vulnerabilities":{"critical":1,"high":0}}}"#).unwrap();
        assert!((value(&npm, "critical") - 1.0).abs() < 0.01);
        let yarn = audit("{\"type\":\"auditAdvisory\"}\n{\"type\":\"auditSummary\",\"data\":{\"vulnerabilities\":{\"high\":2}}}\n").unwrap();
        assert!((value(&yarn, "high") - 2.0).abs() < 0.01);
        for read in [load, lighthouse, audit] {
            assert!(read("{}").is_err());
            assert!(read(&"[".repeat(100_000)).is_err());
        }
    }
}
