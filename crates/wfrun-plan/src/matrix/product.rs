//! The combinations of a matrix.
use std::collections::HashMap;

use wfrun_expr::{Object, Value, format_number};
use wfrun_syntax::{Span, upper_ordinal};

use super::filter::Filter;
use super::shape::{Item, MatrixShape};
use super::{ExpandError, MAX_LEGS, StrategyError, StrategyErrorKind};
use crate::TokenErrorKind;
use crate::token_value::{Limits, size, text_size};

/// Tests of filters and values of combinations that are looked at: some 50 ms.
///
/// Differs: GitHub goes through up to 2,147,483,647 combinations to find what `exclude` leaves; wfrun gives up after
/// some millions of comparisons.
const MAX_WORK: usize = 4_000_000;

/// A matrix whose vectors, `include` and `exclude` are taken apart.
pub(super) struct Product<'a> {
    vectors: Vec<Axis<'a>>,
    include: Vec<Include>,
    exclude: Vec<Filter>,
}

/// A vector with its values, and how many bytes GitHub counts for each.
struct Axis<'a> {
    name: &'a str,
    values: Vec<(Value, usize)>,
}

/// An item of `include`.
#[derive(Default)]
struct Include {
    filter: Filter,
    /// What it says of vectors, for where it matches nothing.
    of_vectors: Vec<(String, Value)>,
    extra: Vec<(String, Value)>,
    extra_size: usize,
}

/// A combination: the context `matrix`, and its labels.
type Leg = (Object, Vec<String>);

/// How much may still be looked at.
pub(super) struct Work(usize);

impl Work {
    /// None where there was too much.
    pub(super) fn spend(&mut self, amount: usize) -> Option<()> {
        self.0 = self.0.checked_sub(amount)?;
        Some(())
    }
}

impl<'a> Product<'a> {
    pub(super) fn of(matrix: &MatrixShape<'a>, errors: &mut Vec<StrategyError>) -> Self {
        let mut wrong = |span: Span, kind| errors.push(StrategyError { span, kind });
        let mut vectors = Vec::new();
        let mut places = HashMap::new();
        for vector in &matrix.vectors {
            if vector.values.is_empty() {
                wrong(vector.span, StrategyErrorKind::EmptyVector { name: vector.name.to_owned() });
                continue;
            }
            places.insert(upper_ordinal(vector.name), vectors.len());
            let values = vector.values.iter().map(|it| it.clone().into_value());
            vectors.push(Axis { name: vector.name, values: values.map(|it| (it.clone(), size(&it))).collect() });
        }
        if matrix.vectors.is_empty() && matrix.include.is_empty() {
            wrong(matrix.span, StrategyErrorKind::NoVector);
        }
        let find = |key: &str| places.get(&upper_ordinal(key)).copied();
        let mut include = Vec::new();
        for item in &matrix.include {
            if item.entries.is_empty() {
                wrong(item.span, StrategyErrorKind::EmptyInclude);
            }
            include.push(Include::of(item, find));
        }
        let mut exclude = Vec::new();
        for item in &matrix.exclude {
            if item.entries.is_empty() {
                wrong(item.span, StrategyErrorKind::EmptyExclude);
            }
            let mut filter = Filter::default();
            for (key, value) in item.entries {
                match find(&key.value) {
                    Some(vector) => filter.add(vector, value),
                    None => wrong(key.span, StrategyErrorKind::UnknownExcludeKey { key: key.value.clone() }),
                }
            }
            exclude.push(filter);
        }
        Self { vectors, include, exclude }
    }

    /// The combinations that are left: none, or up to [`MAX_LEGS`]. More are counted and not made.
    pub(super) fn legs(&self, span: Span) -> Result<Vec<Leg>, ExpandError> {
        if let Some((legs, at_least)) = self.too_many_at_once() {
            return Err(ExpandError::TooManyLegs { span, legs, at_least });
        }
        let mut legs = Legs { made: Vec::new(), count: 0, limits: Limits::default(), span };
        match self.walk(&mut legs, &mut Work(MAX_WORK))? {
            Some(()) if legs.count <= MAX_LEGS => Ok(legs.made),
            None if legs.count <= MAX_LEGS => Err(ExpandError::TooMuchWork { span }),
            walked => Err(ExpandError::TooManyLegs { span, legs: legs.count, at_least: walked.is_none() }),
        }
    }

    /// The size of a product that is too much, without going through it; and whether `include` may make it more.
    fn too_many_at_once(&self) -> Option<(usize, bool)> {
        if !self.exclude.is_empty() || self.vectors.is_empty() {
            return None;
        }
        let size = self.vectors.iter().try_fold(1_usize, |all, it| all.checked_mul(it.values.len()));
        let is_exact = size.is_some() && self.include.is_empty();
        let is_too_many = |it: &usize| *it > if is_exact { MAX_LEGS } else { MAX_LEGS * MAX_LEGS };
        size.or(Some(usize::MAX)).filter(is_too_many).map(|it| (it, !is_exact))
    }

    /// None where there was too much to do.
    fn walk(&self, legs: &mut Legs, work: &mut Work) -> Result<Option<()>, ExpandError> {
        let mut is_used = vec![false; self.include.len()];
        let mut places = vec![0; self.vectors.len()];
        let mut is_left = !self.vectors.is_empty();
        while is_left {
            match self.combination(&places, &mut is_used, work) {
                None => return Ok(None),
                Some(None) => {}
                Some(Some(matched)) => {
                    let extra: usize = matched.iter().map(|it| it.extra_size).sum();
                    legs.add(self.size(&places) + extra, || self.leg(&places, &matched))?;
                }
            }
            is_left = self.advance(&mut places);
        }
        for include in self.include.iter().zip(&is_used).filter(|(_, used)| !**used).map(|(it, _)| it) {
            let members = || include.of_vectors.iter().chain(&include.extra);
            let bytes = members().map(|(key, value)| text_size(key) + size(value)).sum();
            legs.add(bytes, || {
                let labels = members().flat_map(|(_, value)| labels(value)).collect();
                (members().cloned().collect(), labels)
            })?;
        }
        Ok(Some(()))
    }

    /// The items of `include` that add to a combination; none inside where it is excluded.
    #[expect(clippy::option_option, reason = "the outer one is for `?`: there was too much to do")]
    fn combination(&self, places: &[usize], is_used: &mut [bool], work: &mut Work) -> Option<Option<Vec<&Include>>> {
        let value = |vector: usize| &self.vectors[vector].values[places[vector]].0;
        work.spend(places.len())?;
        for filter in &self.exclude {
            if filter.passes(value, work)? {
                return Some(None);
            }
        }
        let mut matched = Vec::new();
        for (include, is_used) in self.include.iter().zip(is_used) {
            if include.filter.passes(value, work)? {
                *is_used = true;
                matched.push(include);
            }
        }
        Some(Some(matched))
    }

    /// Goes to the next combination, the last vector fastest; false behind the last one.
    fn advance(&self, places: &mut [usize]) -> bool {
        for (place, vector) in places.iter_mut().zip(&self.vectors).rev() {
            *place += 1;
            if *place < vector.values.len() {
                return true;
            }
            *place = 0;
        }
        false
    }

    /// Of two items of `include` that add the same key, the later one wins.
    fn leg(&self, places: &[usize], matched: &[&Include]) -> Leg {
        let own = || self.vectors.iter().zip(places).map(|(it, place)| (it.name, &it.values[*place].0));
        let labels = own().flat_map(|(_, value)| labels(value)).collect();
        let extra = matched.iter().flat_map(|it| &it.extra).map(|(key, value)| (key.as_str(), value));
        (own().chain(extra).map(|(key, value)| (key, value.clone())).collect(), labels)
    }

    fn size(&self, places: &[usize]) -> usize {
        self.vectors.iter().zip(places).map(|(it, place)| text_size(it.name) + it.values[*place].1).sum()
    }
}

impl Include {
    fn of(item: &Item<'_>, find: impl Fn(&str) -> Option<usize>) -> Self {
        let mut include = Self::default();
        for (key, value) in item.entries {
            let member = (key.value.clone(), value.clone().into_value());
            if let Some(vector) = find(&key.value) {
                include.filter.add(vector, value);
                include.of_vectors.push(member);
            } else {
                include.extra_size += text_size(&member.0) + size(&member.1);
                include.extra.push(member);
            }
        }
        include
    }
}

/// What is made, and how much there would be.
struct Legs {
    made: Vec<Leg>,
    count: usize,
    limits: Limits,
    span: Span,
}

impl Legs {
    fn add(&mut self, bytes: usize, make: impl FnOnce() -> Leg) -> Result<(), ExpandError> {
        self.count += 1;
        if self.count > MAX_LEGS {
            return Ok(());
        }
        self.limits.take(bytes).map_err(|()| {
            let kind = StrategyErrorKind::Token(TokenErrorKind::TooLarge);
            ExpandError::Wrong(vec![StrategyError { span: self.span, kind }])
        })?;
        self.made.push(make());
        Ok(())
    }
}

/// The scalars of a value, outer to inner and first to last, as they stand in names; null and empty text do not.
///
/// Source: actions/runner: `CreateConfiguration` in `MatrixBuilder.cs`.
fn labels(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![value];
    while let Some(value) = open.pop() {
        match value {
            Value::Null => {}
            Value::Bool(it) => found.push(it.to_string()),
            Value::Number(it) => found.push(format_number(*it)),
            Value::String(it) => found.extend((!it.is_empty()).then(|| it.to_string())),
            Value::Array(items) => open.extend(items.iter().rev()),
            Value::Object(members) => {
                let at = open.len();
                open.extend(members.values());
                open[at..].reverse();
            }
        }
    }
    found
}
