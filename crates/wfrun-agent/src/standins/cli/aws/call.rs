//! Calls to the account: who signs, pages, and the answer in the model's shape.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::error::CliError;
use super::globals::{Globals, Output};
use super::model::{Model, Operation, Type};
use super::parameters::Parameters;
use super::profile::Profile;
use super::{VERSION, timestamp};
use crate::standins::aws_client::{AwsClient, Credentials, STS, xml_text};
use crate::standins::cli::process::Process;

/// Signs and sends requests for one command.
#[derive(Debug)]
pub(super) struct Caller {
    client: AwsClient,
    endpoint: String,
}

/// An answer in pages; one that has none is a single page.
#[derive(Debug)]
pub(super) struct Pages {
    /// The answers in order, each as printed by `--output text`.
    pub(super) each: Vec<Value>,
    /// The list that pages fill.
    list: Option<&'static str>,
}

impl Pages {
    /// All pages as one answer.
    pub(super) fn whole(&self) -> Value {
        let Some(list) = self.list else {
            return self.each.first().cloned().unwrap_or(Value::Null);
        };
        let mut whole = Map::new();
        for page in &self.each {
            if let Some(items) = page[list].as_array() {
                let all = whole.entry(list).or_insert_with(|| Value::Array(Vec::new()));
                all.as_array_mut().expect("was made a list").extend(items.iter().cloned());
            } else if let Some(token) = page["NextToken"].get("NextToken") {
                whole.insert("NextToken".to_owned(), token.clone());
            }
        }
        Value::Object(whole)
    }
}

impl Caller {
    /// A caller for `command` (`ecs.describe-services`), with the keys, region and address of options and environment.
    ///
    /// Order of the sources: option, `AWS_ENDPOINT_URL_<SERVICE>`, `AWS_ENDPOINT_URL`; environment, then profile.
    /// Source: AWS CLI user guide, "Configuration settings and precedence".
    pub(super) fn new(globals: &Globals, process: &Process<'_>, command: &str) -> Result<Self, CliError> {
        let profile = Profile::load(globals.profile.as_deref(), process)?;
        let service = command.split('.').next().unwrap_or_default().to_uppercase();
        let endpoint = globals.endpoint_url.clone().or_else(|| {
            let own = process.variable(&format!("AWS_ENDPOINT_URL_{service}"));
            own.or_else(|| process.variable("AWS_ENDPOINT_URL")).map(str::to_owned)
        });
        let region = globals.region.clone().or_else(|| {
            let set = process.variable("AWS_REGION").or_else(|| process.variable("AWS_DEFAULT_REGION"));
            set.map(str::to_owned).or_else(|| profile.get("region"))
        });
        let from_variables = || {
            Some(Credentials {
                access_key_id: process.variable("AWS_ACCESS_KEY_ID")?.to_owned(),
                secret_access_key: process.variable("AWS_SECRET_ACCESS_KEY")?.to_owned(),
                session_token: process.variable("AWS_SESSION_TOKEN").map(str::to_owned),
            })
        };
        let from_profile = || {
            Some(Credentials {
                access_key_id: profile.get("aws_access_key_id")?,
                secret_access_key: profile.get("aws_secret_access_key")?,
                session_token: profile.get("aws_session_token"),
            })
        };
        let credentials =
            if globals.profile.is_some() { from_profile() } else { from_variables().or_else(from_profile) };
        let credentials = credentials.ok_or(CliError::NoCredentials)?;
        let endpoint = endpoint.ok_or(CliError::NoEndpoint)?;
        // The mark `B` says that a waiter asks.
        let marks = if command.contains(".wait.") { "m/B,N" } else { "m/N" };
        let user_agent = format!("aws-cli/{VERSION} md/wfrun#stand-in md/command#{command} {marks}");
        let region = region.unwrap_or_else(|| "us-east-1".to_owned());
        Ok(Self { client: AwsClient::new(region, credentials, user_agent).at_endpoint(&endpoint), endpoint })
    }

    /// Calls an operation once; the answer has the members of the model in its order and nothing else.
    pub(super) fn call(&self, model: &Model, operation: &Operation, input: &Value) -> Result<Value, CliError> {
        let failed = |error| CliError::of_client(error, &self.endpoint);
        if model.service == STS {
            let xml = self.client.query(STS, operation.name, &[]).map_err(failed)?;
            let members = model.members(operation.output).iter();
            let texts =
                members.filter_map(|member| Some((member.name.to_owned(), xml_text(&xml, member.name)?.into())));
            return Ok(Value::Object(texts.collect()));
        }
        let answer = self.client.json(model.service, operation.name, input).map_err(failed)?;
        Ok(shape(model, &Type::Structure(operation.output), &answer))
    }

    /// Calls an operation until all pages are there, or once where paging is off or done by hand.
    pub(super) fn pages(
        &self,
        model: &Model,
        operation: &Operation,
        parameters: &Parameters,
        paginate: bool,
    ) -> Result<Pages, CliError> {
        let mut input = parameters.input.clone();
        let by_hand = input.contains_key("nextToken") || input.contains_key("maxResults");
        let Some(list) = operation.page.filter(|_| paginate && !by_hand) else {
            return Ok(Pages { each: vec![self.call(model, operation, &Value::Object(input))?], list: None });
        };
        if let Some(size) = &parameters.page_size {
            input.insert("maxResults".to_owned(), size.clone());
        }
        let mut each = Vec::new();
        let mut left = parameters.max_items.unwrap_or(usize::MAX);
        loop {
            let token = input.get("nextToken").cloned().unwrap_or(Value::Null);
            let mut page = self.call(model, operation, &Value::Object(input.clone()))?;
            let next = page["nextToken"].take();
            let mut items = page[list].take();
            let count = items.as_array().map_or(0, Vec::len);
            if let Some(items) = items.as_array_mut() {
                items.truncate(left);
            }
            each.push(json!({ list: items }));
            if count > left {
                each.push(resume(&json!({ "nextToken": token, "boto_truncate_amount": left })));
                break;
            }
            left -= count;
            if next.is_null() {
                break;
            }
            if left == 0 {
                each.push(resume(&json!({ "nextToken": next })));
                break;
            }
            input.insert("nextToken".to_owned(), next);
        }
        Ok(Pages { each, list: Some(list) })
    }
}

/// What `--starting-token` takes: base64 of JSON with a blank after `:` and `,`, as Python writes it.
fn resume(token: &Value) -> Value {
    let members = token.as_object().expect("is an object").iter();
    let members: Vec<String> = members.map(|(name, value)| format!("\"{name}\": {value}")).collect();
    let token = STANDARD.encode(format!("{{{}}}", members.join(", ")));
    json!({ "NextToken": { "NextToken": token } })
}

/// The members that the model has, in its order; times as text.
fn shape(model: &Model, kind: &Type, value: &Value) -> Value {
    match (kind, value) {
        (Type::Structure(name), Value::Object(members)) => {
            let known = model.members(name).iter();
            let shaped = known.filter_map(|member| {
                let value = members.get(member.name).filter(|value| !value.is_null())?;
                Some((member.name.to_owned(), shape(model, &member.kind, value)))
            });
            Value::Object(shaped.collect())
        }
        (Type::List(kind, _), Value::Array(items)) => items.iter().map(|item| shape(model, kind, item)).collect(),
        (Type::Map(kind), Value::Object(members)) => {
            let shaped = members.iter().map(|(name, value)| (name.clone(), shape(model, kind, value)));
            Value::Object(shaped.collect())
        }
        (Type::Timestamp, value) => timestamp::iso8601(value),
        (_, value) => value.clone(),
    }
}

impl Globals {
    /// `--output`, else `AWS_DEFAULT_OUTPUT`, else the profile's `output`, else JSON.
    pub(super) fn with_configured_output(mut self, process: &Process<'_>) -> Result<Self, CliError> {
        if !self.output_given {
            let from_profile = || Profile::load(self.profile.as_deref(), process).ok()?.get("output");
            let configured = process.variable("AWS_DEFAULT_OUTPUT").map(str::to_owned).or_else(from_profile);
            if let Some(word) = configured {
                self.output = Output::parse(&word)?;
            }
        }
        Ok(self)
    }
}
