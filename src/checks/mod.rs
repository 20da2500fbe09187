//! One file per kind of check: a rule and the model give findings and counts. Pure: no reading, no order, no configuration.

mod administrators;
mod answers;
mod attest;
mod call_sites;
mod caller_input;
mod callers;
mod calls;
mod ci_scripts;
mod code;
mod config_key;
mod config_spelling;
mod console_logging;
mod container;
mod control_unused;
mod cors;
mod counted;
mod coverage_threshold;
mod csp;
mod decisions;
mod dependency;
mod doubts;
mod env_schema;
mod env_validation;
mod environment;
mod error_answers;
mod failing;
mod file;
mod for_development;
mod for_one;
mod guard_flaws;
mod handler_code;
mod handlers;
mod handlers_use;
mod headers;
mod index;
mod input_parts;
mod linter;
mod liveness;
mod logged_secrets;
mod measured;
mod memory;
mod middleware_loaded;
mod own_address;
mod paid_keys;
mod pattern;
mod pipeline;
mod plain_tokens;
mod platform_skips;
mod present;
mod public_env;
mod published;
mod purpose;
mod queries;
mod reached;
mod relayed;
mod result;
mod returned;
mod route_control;
mod route_exists;
mod route_mark;
mod schema;
mod secret_literal;
mod server_side;
mod shown;
mod signs;
mod strict_types;
mod subject;
mod tables;
mod taint;
mod test_runner;
mod tests_elsewhere;
mod tests_run;
mod told;
mod units_tested;
mod unsigned_token;
mod used_up;
mod uses;
mod weak_cookie;
mod webhook_body;
mod webhook_reached;
mod words;
mod written_for;

pub use result::{CheckResult, Unjudged};
pub use subject::Scope;

use crate::model::Model;
use crate::rule::{Check, Rule};

/// Answers `rule` for one application: an index into [`Model::apps`], with its scope.
#[must_use]
pub fn run(rule: &Rule, model: &Model, app: usize, scope: &Scope) -> CheckResult {
    let Some(subject) = subject::Subject::new(rule, model, app, scope) else {
        return CheckResult::default();
    };
    let mut result = answer(&subject, rule);
    for finding in &mut result.findings {
        subject.doubt(finding);
    }
    result
}

fn answer(subject: &subject::Subject<'_>, rule: &Rule) -> CheckResult {
    match &rule.check {
        Check::RouteControl(check) => route_control::run(subject, check),
        Check::RouteMark(check) => route_mark::run(subject, check),
        Check::UnsignedToken(check) => unsigned_token::run(subject, check),
        Check::RouteExists(check) => route_exists::run(subject, check),
        Check::ResponseHeaders(check) => headers::run(subject, check),
        Check::ContentSecurityPolicy(check) => csp::run(subject, check),
        Check::Cors(check) => cors::run(subject, check),
        Check::MiddlewareLoaded(_) => middleware_loaded::run(subject),
        Check::Dependency(check) => dependency::run(subject, check),
        Check::File(check) => file::run(subject, check),
        Check::ConfigKey(check) => config_key::run(subject, check),
        Check::Pattern(check) => pattern::run(subject, check),
        Check::SecretLiteral(check) => secret_literal::run(subject, check),
        Check::PublicEnv(check) => public_env::run(subject, check),
        Check::EnvValidation(check) => env_validation::run(subject, check),
        Check::CoverageThreshold(check) => coverage_threshold::run(subject, check),
        Check::Pipeline(check) => pipeline::run(subject, check),
        Check::ConsoleLogging(check) => console_logging::run(subject, check),
        Check::ControlUnused(check) => control_unused::run(subject, check),
        Check::ConfigSpelling(check) => config_spelling::run(subject, check),
        Check::CiScripts(check) => ci_scripts::run(subject, check),
        Check::TestsRun(check) => tests_run::run(subject, check),
        Check::GuardFlaws(check) => guard_flaws::run(subject, check),
        Check::WebhookBody(check) => webhook_body::run(subject, check),
        Check::WebhookReached(_) => webhook_reached::run(subject),
        Check::Container(check) => container::run(subject, check),
        Check::Compose(check) => container::compose(subject, check),
        Check::EnvDocumented(check) => environment::documented(subject, check),
        Check::EnvCommitted(check) => environment::committed(subject, check),
        Check::ForeignKeyIndex(check) => schema::foreign_keys(subject, check),
        Check::RowSecurity(check) => schema::row_security(subject, check),
        Check::StrictTypes(_) => strict_types::run(subject),
        Check::UnitsTested(check) => units_tested::run(subject, check),
        Check::Measured(check) => measured::run(subject, check),
        Check::Parts(check) => present::parts(subject, check),
        Check::Present(check) => present::run(subject, check),
        Check::ErrorAnswers(check) => error_answers::run(subject, check),
        Check::Queries(check) => queries::run(subject, check),
        Check::Memory(check) => memory::run(subject, check),
        Check::CallerInput(check) => caller_input::run(subject, check),
        Check::Handlers(check) => handlers::run(subject, check),
        Check::WeakCookie(check) => weak_cookie::run(subject, check),
        Check::LoggedSecrets(check) => logged_secrets::run(subject, check),
        Check::PlainTokens(check) => plain_tokens::run(subject, check),
        Check::SqlStar(check) => counted::sql_star(subject, check),
        Check::ExplicitAny(check) => counted::explicit_any(subject, check),
        Check::ServerEnvInClient(check) => counted::server_env(subject, check),
        Check::Rendering(check) => counted::rendering(subject, check),
        Check::LimitTiers(check) => counted::limit_tiers(subject, check),
        Check::Calls(check) => calls::run(subject, check),
        Check::HandlersUse(check) => handlers_use::run(subject, check),
        Check::Attest(_) => attest::run(),
    }
}
