//! Events that a token may send; nothing runs by them here.

use super::answer::{Answer, Answered, Refusal};
use super::call::Call;

/// `POST /dispatches`
pub(super) fn repository(call: &Call<'_>) -> Answered {
    let kind = call.required("event_type")?;
    Ok(Answer::done(format!("send repository_dispatch {kind}")))
}

/// `POST /actions/workflows/{workflow}/dispatches`
pub(super) fn workflow(call: &Call<'_>) -> Answered {
    let git_ref = call.required("ref")?;
    if call.api.resolve(git_ref)?.is_none() {
        return Err(Refusal::unprocessable(format!("No ref found for: {git_ref}")));
    }
    Ok(Answer::done(format!("start workflow {} on {git_ref}", call.param("workflow"))))
}
