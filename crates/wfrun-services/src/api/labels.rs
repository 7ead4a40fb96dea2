//! Labels of the repository and of its issues.

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::Api;
use super::answer::{Answer, Answered, Refusal};
use super::call::Call;
use super::state::is_named;

impl Api {
    fn labels_of(&self, number: u64) -> Result<Vec<Value>, Refusal> {
        let state = self.state();
        let issue = state.issues.get(&number).ok_or_else(Refusal::not_found)?;
        let labels = issue["labels"].as_array().cloned().unwrap_or_default();
        Ok(labels.iter().map(|it| self.label_json(it)).collect())
    }

    fn label_json(&self, label: &Value) -> Value {
        let mut label = label.clone();
        let name = label["name"].as_str().unwrap_or_default();
        label["url"] = self.rest(&format!("/labels/{name}")).into();
        label
    }
}

/// The names that a body gives: `{"labels": [..]}` or a bare list, of names or of objects with one.
fn names(call: &Call<'_>) -> Result<Vec<String>, Refusal> {
    let wrong = || Refusal::invalid("Label", "name", "invalid");
    let given = call.body.get("labels").or_else(|| call.body.get("")).unwrap_or(&Value::Null);
    let one = |it: &Value| it.as_str().or_else(|| it["name"].as_str()).map(str::to_owned).ok_or_else(wrong);
    given.as_array().into_iter().flatten().map(one).collect()
}

/// `GET /issues/{number}/labels`
pub(super) fn of_issue(call: &Call<'_>) -> Answered {
    call.paged(call.api.labels_of(call.number("number")?)?)
}

/// `POST /issues/{number}/labels`, and `PUT`, which puts them in the place of all others
fn put_on(call: &Call<'_>, replaces: bool) -> Answered {
    let (number, names) = (call.number("number")?, names(call)?);
    let spoken = call.api.spoken_issue(number)?;
    let labels: Vec<Value> = {
        let mut state = call.api.state();
        names.iter().map(|it| state.know_label(it, None)).collect()
    };
    call.api.change_issue(number, |issue| {
        let mut all = if replaces { Vec::new() } else { issue["labels"].as_array().cloned().unwrap_or_default() };
        for label in labels {
            let is_there = label["name"].as_str().is_some_and(|name| all.iter().any(|it| is_named(it, name)));
            if !is_there {
                all.push(label);
            }
        }
        issue["labels"] = all.into();
    })?;
    let would = match (replaces, names.is_empty()) {
        (true, true) => format!("remove all labels of {spoken}"),
        (true, false) => format!("set the labels of {spoken}: {}", names.join(", ")),
        (false, _) => format!("label {spoken} {}", names.join(", ")),
    };
    Ok(Answer::changed(call.api.labels_of(number)?.into(), would))
}

/// `POST /issues/{number}/labels`
pub(super) fn add(call: &Call<'_>) -> Answered {
    put_on(call, false)
}

/// `PUT /issues/{number}/labels`
pub(super) fn set(call: &Call<'_>) -> Answered {
    put_on(call, true)
}

/// `DELETE /issues/{number}/labels/{name}`, or of all
pub(super) fn remove(call: &Call<'_>) -> Answered {
    let (number, name) = (call.number("number")?, call.param("name").to_owned());
    let spoken = call.api.spoken_issue(number)?;
    let is_all = name.is_empty();
    if !is_all && !call.api.labels_of(number)?.iter().any(|it| is_named(it, &name)) {
        return Err(Refusal::new(StatusCode::NOT_FOUND, "Label does not exist"));
    }
    call.api.change_issue(number, |issue| {
        let labels = issue["labels"].as_array().cloned().unwrap_or_default();
        issue["labels"] = labels.into_iter().filter(|it| !is_all && !is_named(it, &name)).collect();
    })?;
    if is_all {
        return Ok(Answer::done(format!("remove all labels of {spoken}")));
    }
    Ok(Answer::changed(call.api.labels_of(number)?.into(), format!("remove label {name} of {spoken}")))
}

/// `GET /labels`
pub(super) fn list(call: &Call<'_>) -> Answered {
    let labels = call.api.state().labels.clone();
    call.paged(labels.iter().map(|it| call.api.label_json(it)).collect())
}

/// `GET /labels/{name}`
pub(super) fn get(call: &Call<'_>) -> Answered {
    let label = call.api.state().label(call.param("name")).cloned().ok_or_else(Refusal::not_found)?;
    Ok(Answer::json(call.api.label_json(&label)))
}

/// `POST /labels`
pub(super) fn create(call: &Call<'_>) -> Answered {
    let name = call.filled("Label", "name")?;
    let label = {
        let mut state = call.api.state();
        if state.label(name).is_some() {
            return Err(Refusal::invalid("Label", "name", "already_exists"));
        }
        let color = call.text("color")?.unwrap_or("ededed").trim_start_matches('#');
        let like = json!({"name": name, "color": color, "description": call.text("description")?});
        state.know_label(name, Some(&like))
    };
    Ok(Answer::created(call.api.label_json(&label), format!("create label {name}")))
}

/// `PATCH /labels/{name}`
pub(super) fn update(call: &Call<'_>) -> Answered {
    let name = call.param("name");
    let label = {
        let mut state = call.api.state();
        let label = state.labels.iter_mut().find(|it| is_named(it, name)).ok_or_else(Refusal::not_found)?;
        for (field, key) in [("new_name", "name"), ("color", "color"), ("description", "description")] {
            if let Some(text) = call.text(field)? {
                label[key] = text.into();
            }
        }
        label.clone()
    };
    Ok(Answer::changed(call.api.label_json(&label), format!("change label {name}")))
}

/// `DELETE /labels/{name}`
pub(super) fn delete(call: &Call<'_>) -> Answered {
    let name = call.param("name");
    let mut state = call.api.state();
    let count = state.labels.len();
    state.labels.retain(|it| !is_named(it, name));
    if state.labels.len() == count {
        return Err(Refusal::not_found());
    }
    for issue in state.issues.values_mut() {
        let labels = issue["labels"].as_array().cloned().unwrap_or_default();
        issue["labels"] = labels.into_iter().filter(|it| !is_named(it, name)).collect();
    }
    Ok(Answer::done(format!("delete label {name}")))
}
