//! Reviews of pull requests.

use serde_json::{Value, json};

use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::comments::MOST;
use super::shapes::{bot, now};

/// `GET /pulls/{number}/reviews`
pub(super) fn list(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    call.api.shown_pull(number)?;
    let reviews: Vec<Value> = {
        let state = call.api.state();
        state.reviews.iter().filter(|(of, _)| *of == number).map(|(_, it)| it.clone()).collect()
    };
    call.paged(reviews)
}

/// `POST /pulls/{number}/reviews`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let number = call.number("number")?;
    let pull = call.api.shown_pull(number)?;
    let (state, spoken) = match call.text("event")? {
        Some("APPROVE") => ("APPROVED", "approve"),
        Some("REQUEST_CHANGES") => ("CHANGES_REQUESTED", "request changes on"),
        Some("COMMENT") => ("COMMENTED", "review"),
        None => ("PENDING", "begin a review of"),
        Some(_) => return Err(Refusal::invalid("PullRequestReview", "event", "invalid")),
    };
    let comments = call.body["comments"].as_array().map_or(0, Vec::len);
    let review = {
        let mut all = call.api.state();
        let id = all.new_id();
        let html = call.api.html(&format!("/pull/{number}#pullrequestreview-{id}"));
        let review = json!({
            "id": id, "node_id": format!("PRR_{id}"), "user": bot(), "body": call.limited("PullRequestReview", "body", MOST)?.unwrap_or_default(),
            "state": state, "html_url": html, "pull_request_url": call.api.rest(&format!("/pulls/{number}")),
            "commit_id": call.text("commit_id")?.map_or_else(|| pull["head"]["sha"].clone(), Value::from),
            "submitted_at": now(), "author_association": "NONE",
        });
        all.reviews.push((number, review.clone()));
        review
    };
    let more = if comments > 0 { format!(" with {comments} comments on lines") } else { String::new() };
    Ok(Answer::changed(review, format!("{spoken} pull request #{number}{more}")))
}
