//! One call of the API: what its address, its query and its body say.

use axum::http::StatusCode;
use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::Api;
use super::answer::{Answer, Answered, Content, Refusal};
use super::assets::Upload;

/// Source: GitHub: "Using pagination in the REST API".
const PER_PAGE: usize = 30;
const MOST_PER_PAGE: usize = 100;

/// A call whose route is known, and whose caller may make it.
pub(super) struct Call<'a> {
    pub(super) api: &'a Api,
    /// What stands in the braces of the route's path, decoded.
    pub(super) params: Vec<(&'static str, String)>,
    /// The path and the query as they came.
    pub(super) target: Target,
    /// The value of `Accept`.
    pub(super) accept: String,
    /// An object; empty where there is no body.
    pub(super) body: Value,
    /// What was sent as a file.
    pub(super) upload: Option<Upload>,
}

/// Where a call goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Target {
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
}

impl Target {
    pub(super) fn new(path: &str, query: &str) -> Self {
        let decoded = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = query.split('&').filter(|it| !it.is_empty());
        let pair = |it: &str| {
            let (name, value) = it.split_once('=').unwrap_or((it, ""));
            (decoded(name), decoded(value))
        };
        Self { path: path.to_owned(), query: pairs.map(pair).collect() }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(it, _)| it == name).map(|(_, value)| value.as_str()).filter(|it| !it.is_empty())
    }
}

/// One page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// From 1.
    pub(super) number: usize,
    /// Entries of a page: 1 to 100.
    pub(super) size: usize,
}

impl Page {
    /// How many entries come before it.
    pub(super) fn skipped(self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }
}

impl Call<'_> {
    /// A parameter of the path.
    pub(super) fn param(&self, name: &str) -> &str {
        self.params.iter().find(|(it, _)| *it == name).map_or("", |(_, value)| value.as_str())
    }

    /// A parameter of the path that is a number; GitHub knows nothing by another.
    pub(super) fn number(&self, name: &str) -> Result<u64, Refusal> {
        self.param(name).parse().map_err(|_| Refusal::not_found())
    }

    /// A value of the query, if it is given and not empty.
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.target.value(name)
    }

    /// A string of the body, if it is given.
    pub(super) fn text(&self, name: &str) -> Result<Option<&str>, Refusal> {
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(Refusal::unprocessable(format!(
                "Invalid request.\n\nFor 'properties/{name}', the value is not a string."
            ))),
        }
    }

    /// A string of the body that has to be there.
    pub(super) fn required(&self, name: &str) -> Result<&str, Refusal> {
        let missing = || Refusal::unprocessable(format!("Invalid request.\n\n\"{name}\" wasn't supplied."));
        self.text(name)?.ok_or_else(missing)
    }

    /// A string of the body that has to be there and may not be empty.
    pub(super) fn filled(&self, resource: &str, name: &str) -> Result<&str, Refusal> {
        match self.required(name)? {
            "" => Err(Refusal::invalid(resource, name, "missing_field")),
            text => Ok(text),
        }
    }

    /// A string of the body, if it is given, of no more characters than GitHub takes.
    pub(super) fn limited(&self, resource: &str, name: &str, most: usize) -> Result<Option<&str>, Refusal> {
        let text = self.text(name)?;
        let is_long = text.is_some_and(|it| it.len() > most && it.chars().count() > most);
        if is_long { Err(Refusal::too_long(resource, name, most)) } else { Ok(text) }
    }

    /// A boolean of the body; one that is not given is false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.body.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A list of strings of the body, if it is given.
    pub(super) fn texts(&self, name: &str) -> Result<Option<Vec<String>>, Refusal> {
        let wrong = || {
            Refusal::unprocessable(format!(
                "Invalid request.\n\nFor 'properties/{name}', the value is no list of strings."
            ))
        };
        match self.body.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Array(items)) => items
                .iter()
                .map(|it| it.as_str().map(str::to_owned).ok_or_else(wrong))
                .collect::<Result<_, _>>()
                .map(Some),
            Some(_) => Err(wrong()),
        }
    }

    /// Whether the client asks for a media type such as `raw`, `diff`, `sha`.
    ///
    /// Source: GitHub: "Media types": `application/vnd.github.raw+json`, `application/vnd.github.v3.raw`.
    pub(super) fn accepts(&self, kind: &str) -> bool {
        self.accept.split(',').any(|it| {
            let it = it.split(';').next().unwrap_or_default().trim();
            let rest = it.strip_prefix("application/vnd.github.").map(|it| it.trim_end_matches("+json"));
            rest.is_some_and(|it| it.strip_prefix("v3.").unwrap_or(it) == kind)
        })
    }

    /// Which page of a list is asked for.
    pub(super) fn page(&self) -> Page {
        let number = |name: &str| self.query(name).and_then(|it| it.parse::<usize>().ok());
        Page {
            number: number("page").unwrap_or(1).max(1),
            size: number("per_page").unwrap_or(PER_PAGE).clamp(1, MOST_PER_PAGE),
        }
    }

    /// The page of a list that is here as a whole.
    #[expect(clippy::unnecessary_wraps, reason = "a route ends with it")]
    pub(super) fn paged(&self, items: Vec<Value>) -> Answered {
        let (page, total) = (self.page(), items.len());
        let items: Vec<Value> = items.into_iter().skip(page.skipped()).take(page.size).collect();
        Ok(self.page_of(items.into(), total))
    }

    /// A page of a list of `total` entries, with the links to the others.
    pub(super) fn page_of(&self, content: Value, total: usize) -> Answer {
        let page = self.page();
        let last = total.div_ceil(page.size).max(1);
        let mut links = Vec::new();
        let mut link = |number: usize, name: &str| links.push(format!("<{}>; rel=\"{name}\"", self.address(number)));
        if page.number > 1 {
            link((page.number - 1).min(last), "prev");
        }
        if page.number < last {
            link(page.number + 1, "next");
            link(last, "last");
        }
        if page.number > 1 {
            link(1, "first");
        }
        let link = (!links.is_empty()).then(|| links.join(", "));
        Answer { link, ..Answer::with(StatusCode::OK, Content::Json(content)) }
    }

    /// The address of another page of the same list.
    fn address(&self, page: usize) -> String {
        use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let others = self.target.query.iter().filter(|(name, _)| name != "page");
        let mut pairs: Vec<String> =
            others.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.push(format!("page={page}"));
        format!("{}{}?{}", self.api.origin, self.target.path.trim_start_matches('/'), pairs.join("&"))
    }
}

/// Reads a body of JSON: an object, or nothing.
pub(super) fn body_of(bytes: &[u8]) -> Result<Value, Refusal> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Object(serde_json::Map::new()));
    }
    match serde_json::from_slice(bytes) {
        Ok(value @ Value::Object(_)) => Ok(value),
        // Labels and assignees may come as a bare list.
        Ok(Value::Array(items)) => Ok(serde_json::json!({ "": items })),
        Ok(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "Body should be a JSON object")),
        Err(_) => Err(Refusal::new(StatusCode::BAD_REQUEST, "Problems parsing JSON")),
    }
}
