use super::{Findings, matrix};
use crate::{Strategy, Token};

/// Makes `strategy:`; a matrix without expressions is checked, as on GitHub.
pub(super) fn strategy(findings: &mut Findings, token: &Token) -> Strategy {
    let field = |key: &str| token.get(key).and_then(Token::field);
    let matrix = token.get("matrix");
    if let Some(matrix) = matrix
        && !matrix.is_expression()
    {
        matrix::check(findings, token, matrix);
    }
    Strategy {
        span: token.place(),
        token: token.clone(),
        whole: if token.is_expression() { token.field() } else { None },
        fail_fast: field("fail-fast"),
        max_parallel: field("max-parallel"),
        matrix: matrix.cloned(),
    }
}
