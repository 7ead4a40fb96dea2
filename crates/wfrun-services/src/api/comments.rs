//! Comments on issues and pull requests, and reactions to them.

use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::shapes::{bot, completed, in_short, now};

/// Characters of a comment, and of the text of an issue or a pull request.
///
/// Source: GitHub's answer to more: "Body is too long (maximum is 65536 characters)".
pub(super) const MOST: usize = 65_536;

impl Api {
    fn comment_json(&self, number: u64, comment: &Value) -> Value {
        let id = comment["id"].as_u64().unwrap_or_default();
        let spoken = self.spoken_issue(number).unwrap_or_default();
        let kind = if spoken.starts_with("pull") { "pull" } else { "issues" };
        let made = json!({
            "node_id": format!("IC_{id}"), "user": {"login": self.settings.actor, "type": "User"}, "body": "",
            "author_association": "NONE", "created_at": self.started, "updated_at": self.started,
            "html_url": self.html(&format!("/{kind}/{number}#issuecomment-{id}")),
        });
        let mut all = completed(comment, &made);
        all["url"] = self.rest(&format!("/issues/comments/{id}")).into();
        all["issue_url"] = self.rest(&format!("/issues/{number}")).into();
        all
    }

    /// The place of a comment among all, and the number of its issue; for a write, beside which there is no other.
    fn place_of(&self, id: u64) -> Result<(usize, u64), Refusal> {
        let state = self.state();
        let is_it = |(_, it): &(u64, Value)| it["id"].as_u64() == Some(id);
        let at = state.comments.iter().position(is_it).ok_or_else(Refusal::not_found)?;
        Ok((at, state.comments[at].0))
    }
}

/// `GET /issues/{number}/comments`, or of all issues
pub(super) fn list(call: &Call<'_>) -> Answered {
    let number = if call.param("number").is_empty() { None } else { Some(call.number("number")?) };
    if let Some(number) = number {
        call.api.spoken_issue(number)?;
    }
    let all = call.api.state().comments.clone();
    let wanted = all.iter().filter(|(of, _)| number.is_none_or(|it| it == *of));
    call.paged(wanted.map(|(of, it)| call.api.comment_json(*of, it)).collect())
}

/// `POST /issues/{number}/comments`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let (number, body) = (call.number("number")?, call.filled("IssueComment", "body")?);
    call.limited("IssueComment", "body", MOST)?;
    let spoken = call.api.spoken_issue(number)?;
    let comment = {
        let mut state = call.api.state();
        let comment =
            json!({"id": state.new_id(), "user": bot(), "body": body, "created_at": now(), "updated_at": now()});
        state.comments.push((number, comment.clone()));
        comment
    };
    Ok(Answer::created(call.api.comment_json(number, &comment), format!("comment on {spoken}: {}", in_short(body))))
}

/// `GET /issues/comments/{id}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    let id = call.number("id")?;
    let found = call.api.state().comments.iter().find(|(_, it)| it["id"] == id).cloned();
    let (number, comment) = found.ok_or_else(Refusal::not_found)?;
    Ok(Answer::json(call.api.comment_json(number, &comment)))
}

/// `PATCH /issues/comments/{id}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let (at, number) = call.api.place_of(call.number("id")?)?;
    let body = call.filled("IssueComment", "body")?;
    call.limited("IssueComment", "body", MOST)?;
    let comment = {
        let comment = &mut call.api.state().comments[at].1;
        comment["body"] = body.into();
        comment["updated_at"] = now().into();
        comment.clone()
    };
    let spoken = call.api.spoken_issue(number)?;
    Ok(Answer::changed(
        call.api.comment_json(number, &comment),
        format!("edit a comment on {spoken}: {}", in_short(body)),
    ))
}

/// `DELETE /issues/comments/{id}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let (at, number) = call.api.place_of(call.number("id")?)?;
    call.api.state().comments.remove(at);
    Ok(Answer::done(format!("delete a comment on {}", call.api.spoken_issue(number)?)))
}

/// `POST …/reactions` of an issue or a comment
pub(super) fn react(call: &Call<'_>) -> Answered {
    const KNOWN: [&str; 8] = ["+1", "-1", "laugh", "confused", "heart", "hooray", "rocket", "eyes"];
    let content = call.required("content")?;
    if !KNOWN.contains(&content) {
        return Err(Refusal::invalid("Reaction", "content", "invalid"));
    }
    let number =
        if call.param("id").is_empty() { call.number("number")? } else { call.api.place_of(call.number("id")?)?.1 };
    let spoken = call.api.spoken_issue(number)?;
    let id = call.api.state().new_id();
    let reaction =
        json!({"id": id, "node_id": format!("REA_{id}"), "user": bot(), "content": content, "created_at": now()});
    let whose = if call.param("id").is_empty() { spoken } else { format!("a comment on {spoken}") };
    Ok(Answer::created(reaction, format!("react with {content} to {whose}")))
}
