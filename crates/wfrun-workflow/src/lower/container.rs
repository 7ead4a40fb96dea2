use super::Findings;
use crate::{Container, Credentials, EnvMap, Field, Service, Services, Token, TokenKind};

/// Makes `container:`; an empty image is no container.
///
/// Source: GitHub: planning rules 1.7 (`ConvertToJobContainer` of actions/runner).
pub(super) fn container(findings: &mut Findings, token: &Token) -> Option<Container> {
    if !token.has_expressions() {
        check_image(findings, token, false);
    }
    (token.text() != Some("")).then(|| read(token))
}

/// Makes `services:`.
pub(super) fn services(findings: &mut Findings, token: &Token) -> Services {
    if token.is_expression() {
        return Services { whole: token.field(), list: Vec::new() };
    }
    let check = !token.has_expressions();
    let list = token.pairs().map(|(id, value)| {
        if check {
            check_image(findings, value, true);
        }
        Service { id: id.clone(), container: read(value) }
    });
    Services { whole: None, list: list.collect() }
}

fn check_image(findings: &mut Findings, token: &Token, is_service: bool) {
    let is_empty = match &token.kind {
        TokenKind::Text(image) => image == "docker://" || (is_service && image.is_empty()),
        TokenKind::Mapping(_) => token.get("image").and_then(Token::text).is_none_or(|it| it == "docker://"),
        TokenKind::Null
        | TokenKind::Bool(_)
        | TokenKind::Number(_)
        | TokenKind::Expression(_)
        | TokenKind::Sequence(_) => false,
    };
    if is_empty {
        let help = "name an image: `image: node:22`";
        findings.error("workflow/container-image", "Container image cannot be empty", token.place(), help);
    }
}

fn read(token: &Token) -> Container {
    let is_mapping = matches!(token.kind, TokenKind::Mapping(_));
    let field = |key: &str| token.get(key).and_then(Token::field);
    let list = |key: &str| -> Vec<Field> {
        token.get(key).map(Token::one_or_many).unwrap_or_default().iter().filter_map(Token::field).collect()
    };
    let credentials = token.get("credentials").map(|it| {
        let field = |key: &str| it.get(key).and_then(Token::field);
        Credentials { username: field("username"), password: field("password") }
    });
    Container {
        span: token.place(),
        image: if is_mapping { field("image") } else { token.field() },
        options: field("options"),
        env: EnvMap::of(token.get("env")),
        ports: list("ports"),
        volumes: list("volumes"),
        credentials,
        entrypoint: field("entrypoint"),
        command: field("command"),
    }
}
