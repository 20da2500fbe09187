//! `[check.secret-literal]`: keys and passwords written into code. Never shows one whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::rule::{Confidence, SecretLiteral, wildcard};
use crate::syntax::{Expr, ExprId, LogicalOp, ModuleRecord, StmtKind};

use super::CheckResult;
use super::code::{env_name, for_each_named_value, numbered, statements};
use super::subject::Subject;

/// Shorter values say too little to be told from words.
const SHORTEST_VALUE: usize = 20;

/// Bits per character that random text of letters and digits has at least.
const RANDOM_BITS: f64 = 3.6;

pub(super) fn run(subject: &Subject<'_>, check: &SecretLiteral) -> CheckResult {
    let mut findings = Vec::new();
    let formats = check.formats.iter();
    let shortest = formats.map(|format| format.prefix.len() + format.length);
    let shortest = shortest.chain([SHORTEST_VALUE]).min().unwrap_or(0);
    for (_, module) in subject.modules() {
        let mut seen: BTreeSet<ExprId> = BTreeSet::new();
        for (id, expr) in numbered(module) {
            let Expr::String(value) = expr else { continue };
            if value.len() < shortest {
                continue;
            }
            if let Some(what) = known_format(check, value) {
                seen.insert(id);
                let message = format!("{what} {} is written into the code", masked(value));
                findings.push(subject.finding_in(module, module.span(id), message));
            }
        }
        for (id, variable) in fallbacks(module, check) {
            if seen.insert(id) && !is_required(module, variable) {
                let message =
                    format!("{variable} falls back to a value that is written into the code");
                findings.push(subject.finding_in(module, module.span(id), message));
            }
        }
        for_each_named_value(module, &mut |id, name| {
            if let Some(Expr::String(value)) = module.exprs.get(id.0 as usize)
                && looks_random(value)
                && is_secret_name(check, name)
                && seen.insert(id)
            {
                let message = format!(
                    "{name} is set to {}, which looks like a real one",
                    masked(value)
                );
                let finding = subject.finding_in(module, module.span(id), message);
                findings.push(finding.at_most(Confidence::Low));
            }
        });
    }
    CheckResult::pass_or_fail(findings)
}

/// The beginning of a secret and its length, never more than a third of it.
fn masked(value: &str) -> String {
    let length = value.chars().count();
    let shown: String = value
        .chars()
        .filter(|letter| !letter.is_control())
        .take((length / 3).min(8))
        .collect();
    format!("{shown}… ({length} characters)")
}

/// What the text is, when it says so itself.
fn known_format(check: &SecretLiteral, value: &str) -> Option<String> {
    let value = value.trim().strip_prefix("Bearer ").unwrap_or(value).trim();
    let first = value.as_bytes().first();
    for format in &check.formats {
        // Nearly every text differs in its first letter.
        if format.prefix.as_bytes().first() == first
            && let Some(rest) = value.strip_prefix(format.prefix.as_str())
        {
            let long = rest.chars().count() >= format.length;
            let fits = rest
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || format.also.contains(letter));
            let words = entropy(rest) < 2.5 || is_placeholder(value);
            if long && fits && !words {
                return Some(format.name.clone());
            }
        }
    }
    if has_password(value) {
        return Some(String::from("a connection string with its password"));
    }
    if value.starts_with("-----BEGIN ") && value.contains("PRIVATE KEY-----") && value.len() > 200 {
        return Some(String::from("a private key"));
    }
    if is_service_token(value) {
        return Some(String::from("a service_role token"));
    }
    None
}

/// `postgres://user:password@host/…` with a host that is not this machine.
fn has_password(value: &str) -> bool {
    let Some((scheme, rest)) = value.split_once(':') else {
        return false;
    };
    let Some(rest) = rest.strip_prefix("//") else {
        return false;
    };
    let databases = [
        "postgres",
        "postgresql",
        "mysql",
        "mongodb",
        "mongodb+srv",
        "redis",
        "rediss",
        "amqp",
        "amqps",
    ];
    if !databases.contains(&scheme) {
        return false;
    }
    let authority = rest.split(['/', '?']).next().unwrap_or("");
    let Some((user, host)) = authority.rsplit_once('@') else {
        return false;
    };
    let Some((_, password)) = user.split_once(':') else {
        return false;
    };
    let name = host.split(':').next().unwrap_or("");
    let local = [
        "localhost",
        "127.0.0.1",
        "0.0.0.0",
        "host",
        "hostname",
        "db",
        "postgres",
        "redis",
        "mongo",
        "mysql",
    ];
    // A host without a dot is a container's or a placeholder.
    let real_host = name.contains('.') && !local.contains(&name) && !is_placeholder(name);
    let word = [
        "password", "pass", "pwd", "secret", "postgres", "user", "admin", "root",
    ];
    real_host && password.len() >= 6 && !word.contains(&password) && !is_placeholder(password)
}

/// A JSON web token whose payload says that it may do everything.
fn is_service_token(value: &str) -> bool {
    if !value.starts_with("eyJ") {
        return false;
    }
    let mut parts = value.split('.');
    let (Some(_), Some(payload), Some(signature)) = (parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    if signature.len() < 20 {
        return false;
    }
    decoded(payload).is_some_and(|text| {
        let text: String = text.split_whitespace().collect();
        // The keys that Supabase prints for every machine on which it is started are known to all.
        text.contains("\"role\":\"service_role\"") && !text.contains("\"iss\":\"supabase-demo\"")
    })
}

/// Base64url as text.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0u32, 0u32);
    for letter in text.bytes() {
        let value = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'-' | b'+' => 62,
            b'_' | b'/' => 63,
            b'=' => break,
            _ => return None,
        };
        bits = (bits << 6) | u32::from(value);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push(u8::try_from((bits >> count) & 0xff).ok()?);
        }
    }
    String::from_utf8(bytes).ok()
}

/// Words that nobody's real key holds.
fn is_placeholder(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    [
        "your",
        "example",
        "placeholder",
        "xxx",
        "dummy",
        "changeme",
        "change-me",
        "change_me",
        "replace",
        "insert",
        "sample",
        "fake",
        "mock",
        "redacted",
        "...",
        "***",
        "<",
        ">",
        "{",
        "$",
        "1234567",
        "abcdef",
        "\u{2026}",
        "todo",
        "not-a-real",
        "invalid",
        "default",
    ]
    .iter()
    .any(|word| lower.contains(word))
}

/// Bits per character.
fn entropy(value: &str) -> f64 {
    let mut counts: BTreeMap<char, u32> = BTreeMap::new();
    let mut length = 0u32;
    for letter in value.chars() {
        *counts.entry(letter).or_insert(0) += 1;
        length += 1;
    }
    counts
        .values()
        .map(|count| {
            let share = f64::from(*count) / f64::from(length);
            -share * share.log2()
        })
        .sum()
}

/// Random letters and digits: no words, no paths, no sentences.
fn looks_random(value: &str) -> bool {
    if value.len() < SHORTEST_VALUE {
        return false;
    }
    let shaped = value.bytes().all(|letter| {
        letter.is_ascii_alphanumeric() || matches!(letter, b'+' | b'/' | b'=' | b'_' | b'-')
    });
    // Most texts have spaces or dots.
    if !shaped {
        return false;
    }
    let digits = value.bytes().filter(u8::is_ascii_digit).count();
    let hex = value.bytes().all(|letter| letter.is_ascii_hexdigit());
    let letters = value.bytes().any(|letter| letter.is_ascii_alphabetic());
    let mixed = value.bytes().any(|letter| letter.is_ascii_uppercase())
        && value.bytes().any(|letter| letter.is_ascii_lowercase());
    let bits = if hex { 3.0 } else { RANDOM_BITS };
    digits >= 3 && letters && (hex || mixed) && entropy(value) >= bits && !is_placeholder(value)
}

fn is_secret_name(check: &SecretLiteral, name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let fits = |patterns: &[String]| {
        patterns
            .iter()
            .any(|pattern| wildcard(&pattern.to_ascii_lowercase(), &lower))
    };
    fits(&check.names) && !fits(&check.except_names)
}

/// String literals behind `process.env.NAME ||` for variables that sign or encrypt.
fn fallbacks<'a>(module: &'a ModuleRecord, check: &SecretLiteral) -> Vec<(ExprId, &'a str)> {
    let mut found = Vec::new();
    for (_, expr) in numbered(module) {
        let Expr::Logical {
            op: LogicalOp::Or | LogicalOp::Coalesce,
            left,
            right,
        } = expr
        else {
            continue;
        };
        let Some(variable) = env_name(module, *left) else {
            continue;
        };
        let signs = check
            .no_fallback
            .iter()
            .any(|pattern| wildcard(pattern, variable));
        let value = match module.exprs.get(right.0 as usize) {
            Some(Expr::String(value)) => value,
            _ => continue,
        };
        if signs && value.trim().len() >= 4 {
            found.push((*right, variable));
        }
    }
    found
}

/// Production does not start, or go on, without the variable: `if (production && !process.env.KEY) throw …`.
fn is_required(module: &ModuleRecord, variable: &str) -> bool {
    let mut functions = module.functions.iter();
    functions.any(|function| {
        statements(&function.body).any(|statement| {
            let StmtKind::If { then, .. } = &statement.kind else {
                return false;
            };
            let here = numbered(module).filter(|(id, _)| statement.span.holds(module.span(*id)));
            let (mut production, mut asked) = (false, false);
            for (id, expr) in here {
                production |= matches!(expr, Expr::String(text) if &**text == "production");
                asked |= env_name(module, id) == Some(variable);
            }
            let mut inner = statements(then);
            production && asked && inner.any(|each| matches!(each.kind, StmtKind::Throw(_)))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::{has_password, is_service_token, looks_random, masked};

    #[test]
    fn secrets_are_told_from_words() {
        assert!(looks_random("f3A9kLm2Qx7Zp4Wv8Rt1"));
        assert!(looks_random("9f86d081884c7d659a2feaa0c55ad015"));
        assert!(!looks_random("reset-password-token-name"));
        assert!(!looks_random("PasswordResetTokenExpired1"));
        assert!(!looks_random("your-secret-key-1234567890AB"));
    }

    #[test]
    fn connection_strings_with_placeholders_are_none() {
        assert!(has_password(
            "postgres://app:q8Vd2LmP@ep-cool.eu.neon.tech/main"
        ));
        assert!(!has_password("postgres://user:password@localhost:5432/db"));
        assert!(!has_password(
            "postgres://user:password@host.example.com/db"
        ));
        assert!(!has_password("https://user:q8Vd2LmP@x.dev"));
    }

    #[test]
    fn a_service_token_is_known_by_its_payload() {
        // {"role":"service_role"} and {"role":"anon"}
        let signature = "c2lnbmF0dXJlLXRoYXQtaXMtbG9uZw";
        assert!(is_service_token(&format!(
            "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.{signature}"
        )));
        assert!(!is_service_token(&format!(
            "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiJ9.{signature}"
        )));
    }

    #[test]
    fn a_masked_secret_shows_a_third_at_most() {
        assert_eq!(masked("abcdefghijkl"), "abcd… (12 characters)");
        assert_eq!(masked(&"x".repeat(60)), "xxxxxxxx… (60 characters)");
    }
}
