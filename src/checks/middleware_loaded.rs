//! `[check.middleware-loaded]`: a middleware that Next.js never runs.

use crate::routes::MiddlewareProblem;

use super::CheckResult;
use super::subject::Subject;

pub(super) fn run(subject: &Subject<'_>) -> CheckResult {
    let mut result = CheckResult::default();
    for middleware in &subject.app.middleware {
        let module = subject.model.graph.module(middleware.module);
        let file = &module.path;
        let why = match &middleware.problem {
            None => {
                result.covered(1.0);
                continue;
            }
            Some(MiddlewareProblem::WrongFolder(folder)) => {
                let wanted = folder.join(file.file_name());
                format!("Next.js never runs {file}: it looks for it at {wanted}")
            }
            Some(MiddlewareProblem::WrongName) => {
                format!(
                    "Next.js never runs {file}: `proxy` is known from version 16 on, before it is `middleware`"
                )
            }
            Some(MiddlewareProblem::WrongExport) => {
                format!(
                    "Next.js never runs {file}: it exports no function `{}` and no default",
                    module.path.stem()
                )
            }
            Some(MiddlewareProblem::Shadowed(other)) => {
                format!("Next.js never runs {file}: it prefers {other}")
            }
        };
        let finding = subject.finding(module.location(middleware.span), why);
        result.gap(1.0, finding);
    }
    result
}
