//! One request to the registry: who asks, for which repository, and what is done.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use serde_json::{Value, json as json_value};

use super::auth::{Refusal, Token, who};
use super::fault::Fault;
use super::path::Path;
use super::{blobs, manifests};
use crate::account::{Account, Caller, Owned, ServiceCall};
use crate::ecr::{Repository, bad_repository_name, create_on_push, is_repository_name, no_repository};
use crate::endpoint::Bodies;
use crate::iam::{Permit, registry_needs};
use crate::protocol::{ApiError, not_done, url_decoded};

/// A request that was let in.
pub(super) struct Visit<'a> {
    pub(super) account: &'a Account,
    /// The region the token was made for: a loopback host does not say one.
    pub(super) region: &'a str,
    /// The repository of the path, or an empty text.
    pub(super) name: &'a str,
}

/// Answers a request below `/v2/`. `bodies`: where what is kept in memory has its share.
pub(crate) async fn answer(account: &Account, bodies: &Bodies, request: Request<Body>) -> Response<Body> {
    let (method, whole_path) = (request.method().clone(), request.uri().path().to_owned());
    let path = Path::read(&whole_path);
    let host = request.headers().get(header::HOST).cloned();
    let token = who(request.headers(), account.token_key(), account.now_ms());
    let is_known = token.is_ok();
    let principal = token.as_ref().ok().map(|token| token.principal.clone());
    let action = operation(&method, &path);
    let mut permit = Permit::default();
    let result = match token {
        Err(refusal) => Err(refused(refusal)),
        Ok(token) => {
            let visit = Visit { account, region: &token.region, name: name_of(&path) };
            if let Some(action) = action {
                permit = visit.permit(&token, action, &request);
            }
            match &permit.denial {
                Some(words) if permit.refused => Err(Fault::new(StatusCode::FORBIDDEN, "DENIED", words.clone())),
                Some(_) | None if action.is_some_and(|it| account.injected().throttles(&format!("registry {it}"))) => {
                    Err(Fault::new(StatusCode::TOO_MANY_REQUESTS, "TOOMANYREQUESTS", "Rate exceeded"))
                }
                Some(_) | None => carry_out(&visit, &path, bodies, request).await,
            }
        }
    };
    let not_done = result.as_ref().err().and_then(|fault| not_done(&fault.message));
    let mut response = result.unwrap_or_else(|fault| fault.response());
    let response_status = response.status();
    let headers = response.headers_mut();
    headers.insert("docker-distribution-api-version", HeaderValue::from_static("registry/2.0"));
    if response_status == StatusCode::UNAUTHORIZED {
        let host = host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
        let challenge = format!("Basic realm=\"https://{host}/\",service=\"ecr.amazonaws.com\"");
        if let Ok(challenge) = HeaderValue::from_str(&challenge) {
            headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
    }
    account.observe(ServiceCall {
        service: "ecr".to_owned(),
        operation: action.map_or_else(|| format!("{method} {whole_path}"), ToOwned::to_owned),
        status: response.status().as_u16(),
        iam_action: permit.action.or_else(|| action.map(|action| format!("ecr:{action}"))),
        allowed: is_known && !permit.refused,
        resource: permit.resource,
        denial: permit.denial,
        missing: permit.missing,
        injected: permit.injected,
        not_done,
        principal,
        notices: Vec::new(),
    });
    response
}

async fn carry_out(
    visit: &Visit<'_>,
    path: &Path<'_>,
    bodies: &Bodies,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let method = request.method().clone();
    let (is_head, is_get) = (method == Method::HEAD, method == Method::GET);
    if !visit.name.is_empty() {
        if !is_repository_name(visit.name) {
            return Err(Fault::bad("NAME_INVALID", bad_repository_name()));
        }
        if method == Method::POST && matches!(path, Path::Uploads { .. }) {
            visit.create_on_push()?;
        }
        // A missing repository is the answer to every question about it.
        visit.repository(|_| ()).inspect_err(|_| {
            if is_push(&method, path) {
                visit.suggest_repository();
            }
        })?;
    }
    match path {
        Path::Base if is_get || is_head => Ok(json(&json_value!({}), "application/json")),
        Path::Catalog if is_get => Ok(visit.catalog(request.uri())),
        Path::Blob { digest, .. } if is_get || is_head => blobs::get(visit, digest, request.headers(), is_get).await,
        Path::Uploads { name } if method == Method::POST => blobs::begin(visit, name, request).await,
        Path::Upload { name, id } if method == Method::PATCH => blobs::append(visit, name, id, request).await,
        Path::Upload { name, id } if method == Method::PUT => blobs::finish(visit, name, id, request).await,
        Path::Upload { name, id } if is_get => blobs::progress(visit, name, id).await,
        Path::Upload { id, .. } if method == Method::DELETE => blobs::cancel(visit, id),
        Path::Manifest { reference, .. } if is_get || is_head => manifests::get(visit, reference, is_get),
        Path::Manifest { name, reference } if method == Method::PUT => {
            manifests::put(visit, (name, reference), bodies, request).await
        }
        Path::Manifest { reference, .. } if method == Method::DELETE => manifests::delete(visit, reference),
        Path::Tags { name } if is_get => manifests::tags(visit, name, &request),
        Path::Referrers { digest, .. } if is_get => manifests::referrers(visit, digest, &request),
        Path::Unknown => Err(Fault::missing("NAME_INVALID", format!("the registry has no `{}`", request.uri().path()))),
        Path::Base
        | Path::Catalog
        | Path::Blob { .. }
        | Path::Uploads { .. }
        | Path::Upload { .. }
        | Path::Manifest { .. }
        | Path::Tags { .. }
        | Path::Referrers { .. } => {
            let message = format!("wfrun: {method} {} is not emulated", request.uri().path());
            Err(Fault::new(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", message))
        }
    }
}

impl Visit<'_> {
    /// What the policies of whoever logged in say.
    fn permit(&self, token: &Token, operation: &str, request: &Request<Body>) -> Permit {
        let account = self.account;
        let mut caller = match account.owner_of(&token.access_key_id, self.region) {
            Owned::By(caller, _) => caller,
            Owned::Unknown if account.takes_unknown_keys() => account.root(&token.access_key_id, self.region, false),
            // A key that is gone has no policies any more.
            Owned::Unknown | Owned::Inactive => Caller { arn: token.principal.clone(), ..account.nobody() },
        };
        if let Some(agent) = request.headers().get(header::USER_AGENT).and_then(|it| it.to_str().ok()) {
            agent.clone_into(&mut caller.user_agent);
        }
        let length = request.headers().get(header::CONTENT_LENGTH).and_then(|it| it.to_str().ok());
        let has_body = request.headers().contains_key(header::TRANSFER_ENCODING) || length.is_some_and(|it| it != "0");
        let sent = (request.method(), request.uri(), has_body);
        let needs = registry_needs(operation, self.name, sent, account.arns(self.region));
        account.permit(&caller, &needs)
    }

    /// Looks at the repository of the path.
    pub(super) fn repository<T>(&self, look: impl FnOnce(&Repository) -> T) -> Result<T, Fault> {
        let found = self.account.read(self.region, |region| region.ecr.repositories.get(self.name).map(look));
        found.ok_or_else(|| self.unknown_name())
    }

    /// Region and repository: whom an upload belongs to.
    pub(super) fn owner(&self) -> String {
        owner(self.region, self.name)
    }

    /// Changes the repository of the path; a fault leaves it as it was.
    pub(super) fn change(&self, alter: impl FnOnce(&mut Repository) -> Result<(), Fault>) -> Result<(), Fault> {
        let mut fault = None;
        let changed = self.account.change(self.region, |region| {
            let repository = region.ecr.repositories.get_mut(self.name);
            let done = repository.ok_or_else(|| self.unknown_name()).and_then(alter);
            done.map_err(|refused| {
                fault = Some(refused);
                ApiError::new("Refused", "the registry refused")
            })
        });
        changed.map_err(|err| fault.unwrap_or_else(|| Fault::bad("BLOB_UPLOAD_INVALID", err.message)))
    }

    /// Makes the repository of the path where a template says that a push does.
    fn create_on_push(&self) -> Result<(), Fault> {
        let may_be_made = self
            .account
            .read(self.region, |region| region.ecr.has_templates() && !region.ecr.repositories.contains_key(self.name));
        if !may_be_made {
            return Ok(());
        }
        let now_ms = self.account.now_ms();
        let made = self.account.change(self.region, |region| {
            create_on_push(&mut region.ecr, self.name, now_ms);
            Ok(())
        });
        made.map_err(|err| Fault::bad("NAME_UNKNOWN", err.message))
    }

    /// Source: the AWS rules 3.5.
    fn suggest_repository(&self) {
        let (name, region) = (self.name, self.region);
        self.account.notice(format!(
            "the push to `{name}` failed: ECR has no repository of that name in {region}; create it with `aws ecr create-repository \
             --repository-name {name}` before the push, or name it under `ecr.repositories` of the account file"
        ));
    }

    fn catalog(&self, uri: &Uri) -> Response<Body> {
        let names =
            self.account.read(self.region, |region| region.ecr.repositories.keys().cloned().collect::<Vec<_>>());
        let (names, link) = next_link(names, uri);
        let mut response = json(&json_value!({ "repositories": names }), "application/json");
        if let Some(link) = link {
            response.headers_mut().insert(header::LINK, link);
        }
        response
    }

    fn unknown_name(&self) -> Fault {
        Fault::missing("NAME_UNKNOWN", no_repository(self.name, self.account.account_id()))
    }
}

/// Whether a request is of a push: some clients ask for layers before they send them.
fn is_push(method: &Method, path: &Path<'_>) -> bool {
    match path {
        Path::Uploads { .. } | Path::Upload { .. } => true,
        Path::Blob { .. } => *method == Method::HEAD,
        Path::Manifest { .. } => *method == Method::PUT,
        Path::Base | Path::Catalog | Path::Tags { .. } | Path::Referrers { .. } | Path::Unknown => false,
    }
}

/// Whom an upload belongs to: a region and a repository.
pub(crate) fn owner(region: &str, repository: &str) -> String {
    format!("{region} {repository}")
}

/// One page of `names`: in order of the alphabet, `n` after `last`, and the header `Link` where there are more.
///
/// Source: OCI distribution specification 1.1, "Listing tags".
pub(super) fn next_link(mut names: Vec<String>, uri: &Uri) -> (Vec<String>, Option<HeaderValue>) {
    let last = parameter(uri, "last").unwrap_or_default();
    let limit = parameter(uri, "n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
    names.retain(|name| *name > last);
    names.sort_unstable();
    let more = names.len() > limit;
    names.truncate(limit);
    let last = names.last().filter(|_| more);
    let link = last.map(|last| format!("<{}?n={limit}&last={last}>; rel=\"next\"", uri.path()));
    let link = link.and_then(|link| HeaderValue::from_str(&link).ok());
    (names, link)
}

/// `201 Created` at a place.
pub(super) fn created(location: &str, digest: &str) -> Result<Response<Body>, Fault> {
    Response::builder()
        .status(StatusCode::CREATED)
        .header(header::LOCATION, location)
        .header("docker-content-digest", digest)
        .header(header::CONTENT_LENGTH, 0)
        .body(Body::empty())
        .map_err(|err| Fault::bad("NAME_INVALID", err.to_string()))
}

/// A status and nothing else.
pub(super) fn empty(status: StatusCode) -> Result<Response<Body>, Fault> {
    Response::builder().status(status).body(Body::empty()).map_err(|err| Fault::bad("UNSUPPORTED", err.to_string()))
}

pub(super) fn json(body: &Value, content_type: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A parameter of the query, decoded.
pub(crate) fn parameter(uri: &Uri, name: &str) -> Option<String> {
    let pairs = uri.query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(key, _)| *key == name).map(|(_, value)| url_decoded(value.as_bytes()))
}

/// Source: AWS ECR user guide, "Private registry authentication"; the messages are ECR's.
fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::Unauthorized => Fault::new(StatusCode::UNAUTHORIZED, "UNAUTHORIZED", "Not Authorized"),
        Refusal::Expired => {
            let message = "Your authorization token has expired. Reauthenticate and try again.";
            Fault::new(StatusCode::FORBIDDEN, "DENIED", message)
        }
    }
}

/// The ECR operation, and so the permission, that a request stands for.
///
/// Source: AWS ECR user guide, "IAM permissions for pushing an image" and "… for pulling an image".
fn operation(method: &Method, path: &Path<'_>) -> Option<&'static str> {
    match path {
        Path::Catalog => Some("DescribeRepositories"),
        Path::Blob { .. } if *method == Method::HEAD => Some("BatchCheckLayerAvailability"),
        Path::Blob { .. } => Some("GetDownloadUrlForLayer"),
        Path::Uploads { .. } => Some("InitiateLayerUpload"),
        Path::Upload { .. } if *method == Method::PATCH => Some("UploadLayerPart"),
        Path::Upload { .. } if *method == Method::PUT => Some("CompleteLayerUpload"),
        Path::Base | Path::Unknown | Path::Upload { .. } => None,
        Path::Manifest { .. } if *method == Method::PUT => Some("PutImage"),
        Path::Manifest { .. } if *method == Method::DELETE => Some("BatchDeleteImage"),
        Path::Manifest { .. } => Some("BatchGetImage"),
        Path::Tags { .. } => Some("ListImages"),
        Path::Referrers { .. } => Some("ListImageReferrers"),
    }
}

fn name_of<'a>(path: &Path<'a>) -> &'a str {
    match path {
        Path::Base | Path::Catalog | Path::Unknown => "",
        Path::Blob { name, .. }
        | Path::Uploads { name }
        | Path::Upload { name, .. }
        | Path::Manifest { name, .. }
        | Path::Tags { name }
        | Path::Referrers { name, .. } => name,
    }
}
