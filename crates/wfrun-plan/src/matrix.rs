//! The legs of a job: what `strategy:` comes to once its expressions have values.
//!
//! Source: GitHub: planning rules P4.5 (`ConvertToStrategy`, `MatrixBuilder` and `WorkflowTemplateEvaluator` of
//! actions/runner).
mod error;
mod filter;
mod product;
mod shape;

use wfrun_expr::{Object, Scope, Value};
use wfrun_workflow::Strategy;

pub use self::error::{ExpandError, StrategyError, StrategyErrorKind};
use self::product::Product;
use crate::token_value::evaluate;

/// Most legs of a job.
///
/// Source: <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax>,
/// `jobs.<job_id>.strategy.matrix`.
pub const MAX_LEGS: usize = 256;

/// What a `strategy:` comes to.
#[derive(Debug, Clone, PartialEq)]
pub struct Expansion {
    /// One for each leg, in the order of `strategy.job-index`: 1 to [`MAX_LEGS`].
    pub combinations: Vec<Combination>,
    /// Whether a leg that fails cancels the others.
    pub fail_fast: bool,
    /// Most legs that may run at once: `strategy.max-parallel`; at least 1.
    pub max_parallel: usize,
}

/// One assignment of values to a matrix's vectors, and so one leg of a job.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Combination {
    /// The context `matrix`, which `include` may have added to; none where there is no matrix, or nothing is left of it.
    pub values: Option<Object>,
    /// What tells the leg from its siblings, as text: the scalars of its vectors, without null and empty ones.
    pub labels: Vec<String>,
    /// `strategy.job-index`, from 0.
    pub index: usize,
    /// `strategy.job-total`
    pub total: usize,
}

impl Expansion {
    /// What a job without `strategy:` comes to: one leg.
    pub fn single() -> Self {
        Self::of(Vec::new(), true, None)
    }

    /// Tells whether there is a matrix with at least one combination.
    pub fn is_matrix(&self) -> bool {
        self.combinations.iter().any(|it| it.values.is_some())
    }

    /// Makes the context `strategy` of a leg; a scope keeps it, because the same object is to be found each time.
    pub fn strategy_context(&self, leg: &Combination) -> Object {
        let members = [
            ("fail-fast", Value::Bool(self.fail_fast)),
            ("job-index", number(leg.index)),
            ("job-total", number(leg.total)),
            ("max-parallel", number(self.max_parallel)),
        ];
        members.into_iter().collect()
    }

    /// Without combinations there is one leg, and then GitHub does not look at `max-parallel`.
    fn of(legs: Vec<(Object, Vec<String>)>, fail_fast: bool, max_parallel: Option<usize>) -> Self {
        let total = legs.len();
        if total == 0 {
            let only = Combination { total: 1, ..Combination::default() };
            return Self { combinations: vec![only], fail_fast, max_parallel: 1 };
        }
        let combination = |(index, (values, labels))| Combination { values: Some(values), labels, index, total };
        let combinations = legs.into_iter().enumerate().map(combination).collect();
        Self { combinations, fail_fast, max_parallel: max_parallel.unwrap_or(total) }
    }
}

impl Combination {
    /// The context `matrix`: an object, or null.
    pub fn matrix_context(&self) -> Value {
        self.values.clone().map_or(Value::Null, Value::from)
    }
}

/// Expands the `strategy:` of a job; without one there is a single leg.
///
/// `scope` knows the contexts `github`, `inputs`, `vars` and `needs`. Where it does not know an answer yet the error is
/// [`ExpandError::NotYet`]. Time and memory are bounded whatever the matrix is.
pub fn expand(strategy: Option<&Strategy>, scope: &dyn Scope) -> Result<Expansion, ExpandError> {
    let Some(strategy) = strategy else { return Ok(Expansion::single()) };
    let (placed, mut errors) = evaluate(&strategy.token, scope);
    if let Some(at) = errors.iter().position(crate::TokenError::is_not_yet) {
        return Err(ExpandError::NotYet(errors.swap_remove(at)));
    }
    let shape = shape::read(&placed, &mut errors);
    error::check(errors.into_iter().map(StrategyError::from).collect())?;
    let mut errors = Vec::new();
    let product = shape.matrix.map(|it| Product::of(&it, &mut errors));
    error::check(errors)?;
    let legs = product.map_or(Ok(Vec::new()), |it| it.legs(strategy.span))?;
    Ok(Expansion::of(legs, shape.fail_fast, shape.max_parallel))
}

#[expect(clippy::cast_precision_loss, reason = "there are at most 256 legs, and 32 bits in `max-parallel`")]
fn number(of: usize) -> Value {
    Value::Number(of as f64)
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
