//! Random matrices, against the rules carried out the long way: with expressions, as GitHub does it.
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use proptest::sample::select;
use wfrun_expr::{Availability, Called, Scope, evaluate, parse};
use wfrun_workflow::{Token, TokenKind};

use super::tests::{Vars, read};
use super::{ExpandError, Expansion, MAX_LEGS, Object, Value, expand};

/// The context `matrix` and nothing else.
struct Matrix(Object);

impl Scope for Matrix {
    fn context(&self, _: &str) -> Value {
        self.0.clone().into()
    }

    fn call(&self, _: &str, _: &[Value]) -> Called {
        Called::NotYet
    }
}

const MATRIX: Availability = Availability { contexts: &["matrix"], functions: &[] };

/// The tests of an item, as expressions.
fn tests(path: &str, token: &Token, found: &mut Vec<String>) {
    let leaf = match &token.kind {
        TokenKind::Null => "null".to_owned(),
        TokenKind::Bool(it) => it.to_string(),
        TokenKind::Number(it) => wfrun_expr::format_number(*it),
        TokenKind::Text(it) => format!("'{}'", it.replace('\'', "''")),
        TokenKind::Expression(_) => panic!("there are none"),
        TokenKind::Sequence(items) => {
            return items.iter().enumerate().for_each(|(at, it)| tests(&format!("{path}[{at}]"), it, found));
        }
        TokenKind::Mapping(_) => {
            return token.pairs().for_each(|(key, it)| tests(&format!("{path}['{}']", key.value), it, found));
        }
    };
    found.push(format!("{path} == {leaf}"));
}

fn holds(item: &[(&str, &Token)], combination: &[(String, Value)]) -> bool {
    let mut all = Vec::new();
    for (key, value) in item {
        tests(&format!("matrix['{key}']"), value, &mut all);
    }
    let scope = Matrix(combination.iter().cloned().collect());
    all.iter().all(|it| evaluate(&parse(it, &MATRIX).expect(it), &scope).expect(it).value().is_truthy())
}

fn value(token: &Token) -> Value {
    crate::token_value(token, &Vars(String::new())).expect("there are no expressions")
}

/// What the rules say: the legs, how many combinations were excluded, and how many items of `include` matched nothing.
fn by_the_rules(matrix: &Token) -> (Vec<Object>, [usize; 3]) {
    let items = |key: &str| matrix.get(key).map(Token::items).unwrap_or_default();
    let vectors: Vec<(&str, &[Token])> = matrix
        .pairs()
        .filter(|(key, _)| !["include", "exclude"].contains(&key.value.as_str()))
        .map(|(key, it)| (key.value.as_str(), it.items()))
        .collect();
    let is_vector = |key: &str| vectors.iter().any(|(name, _)| name.eq_ignore_ascii_case(key));
    let mut product: Vec<Vec<(String, Value)>> = vec![Vec::new()];
    for (name, values) in &vectors {
        let longer = |it: &Vec<(String, Value)>| {
            let it = it.clone();
            values.iter().map(move |last| it.iter().cloned().chain([((*name).to_owned(), value(last))]).collect())
        };
        product = product.iter().flat_map(longer).collect();
    }
    if vectors.is_empty() {
        product.clear();
    }
    let size = product.len();
    let entries = |item: &'_ Token| item.pairs().map(|(key, it)| (key.value.clone(), it.clone())).collect::<Vec<_>>();
    product.retain(|combination| {
        let excluded = |item: &Token| {
            let entries = entries(item);
            holds(&entries.iter().map(|(key, it)| (key.as_str(), it)).collect::<Vec<_>>(), combination)
        };
        !items("exclude").iter().any(excluded)
    });
    let excluded = size - product.len();
    let mut legs: Vec<Vec<(String, Value)>> = product.clone();
    let mut unmatched = Vec::new();
    for item in items("include") {
        let (filter, extra): (Vec<_>, Vec<_>) = entries(item).into_iter().partition(|(key, _)| is_vector(key));
        let tested: Vec<(&str, &Token)> = filter.iter().map(|(key, it)| (key.as_str(), it)).collect();
        let mut is_used = false;
        for (leg, original) in legs.iter_mut().zip(&product) {
            if holds(&tested, original) {
                is_used = true;
                leg.extend(extra.iter().map(|(key, it)| (key.clone(), value(it))));
            }
        }
        if !is_used {
            unmatched.push(filter.iter().chain(&extra).map(|(key, it)| (key.clone(), value(it))).collect());
        }
    }
    let counts = [size, excluded, unmatched.len()];
    (legs.into_iter().chain(unmatched).map(|it| it.into_iter().collect()).collect(), counts)
}

fn scalar() -> impl Strategy<Value = String> {
    select(vec!["1", "'1'", "2", "0", "a", "A", "'it''s'", "true", "false", "''", "null", "1.50", "0x2"])
        .prop_map(ToOwned::to_owned)
}

/// A value of few kinds, so that filters match often.
fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => scalar(),
        1 => prop::collection::vec(scalar(), 0..3).prop_map(|it| format!("[{}]", it.join(", "))),
        1 => (scalar(), scalar()).prop_map(|(a, b)| format!("{{n: {a}, m: [{b}]}}")),
        1 => scalar().prop_map(|it| format!("{{N: {it}}}")),
        1 => Just("{}".to_owned()),
    ]
}

fn item(keys: &'static [&'static str]) -> impl Strategy<Value = String> {
    prop::sample::subsequence(keys, 1..=keys.len())
        .prop_flat_map(|keys| {
            let count = keys.len();
            (Just(keys), prop::collection::vec(any_value(), count))
        })
        .prop_map(|(keys, values)| {
            let entries: Vec<String> = keys.iter().zip(values).map(|(key, it)| format!("{key}: {it}")).collect();
            format!("{{{}}}", entries.join(", "))
        })
}

fn matrix() -> impl Strategy<Value = String> {
    let vector = || prop::collection::vec(any_value(), 1..4).prop_map(|it| it.join(", "));
    let items = |keys| prop::collection::vec(item(keys), 0..4).prop_map(|it| it.join(", "));
    (vector(), vector(), items(&["A", "b", "x", "y"]), items(&["a", "B"])).prop_map(|(a, b, include, exclude)| {
        format!("{{a: [{a}], include: [{include}], b: [{b}], exclude: [{exclude}]}}")
    })
}

/// Any JSON with the keys of a strategy, seldom of the right shape.
fn any_json() -> impl Strategy<Value = String> {
    let leaf =
        select(vec!["1", "-1", "true", "null", "\"\"", "\"a\"", "1e300", "[]", "{}"]).prop_map(ToOwned::to_owned);
    leaf.prop_recursive(5, 40, 4, |inner| {
        let keys = vec!["matrix", "include", "exclude", "a", "A", "fail-fast", "max-parallel", ""];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(|it| format!("[{}]", it.join(", "))),
            prop::collection::vec((select(keys), inner), 0..4).prop_map(|it| {
                let entries: Vec<String> = it.iter().map(|(key, value)| format!("\"{key}\": {value}")).collect();
                format!("{{{}}}", entries.join(", "))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn legs_are_what_the_rules_say(matrix in matrix()) {
        let (_, strategy) = read(&format!("{{matrix: {matrix}}}"));
        let strategy = strategy.expect("it is there");
        let expansion = expand(Some(&strategy), &Vars(String::new())).expect("it expands");
        let (legs, [size, excluded, unmatched]) = by_the_rules(strategy.matrix.as_ref().expect("it is there"));
        prop_assert_eq!(legs.len(), size - excluded + unmatched);
        if legs.is_empty() {
            prop_assert_eq!(expansion, Expansion::single());
            return Ok(());
        }
        prop_assert_eq!(expansion.max_parallel, legs.len());
        for (at, (leg, values)) in expansion.combinations.iter().zip(&legs).enumerate() {
            prop_assert_eq!((leg.index, leg.total), (at, legs.len()));
            prop_assert_eq!(leg.matrix_context().to_json(), Value::from(values.clone()).to_json());
        }
        prop_assert_eq!(expansion.combinations.len(), legs.len());
    }

    /// A matrix without expressions is checked when the file is read, with the same words at the same places.
    #[test]
    fn reading_finds_what_expanding_finds(
        a in prop::collection::vec(any_value(), 0..2),
        include in prop::collection::vec(select(vec!["{}", "{a: 1}", "{b: 1}"]), 0..3),
        exclude in prop::collection::vec(select(vec!["{}", "{A: 1}", "{b: 1, c: 2}"]), 0..3),
        has_vector in any::<bool>(),
    ) {
        let vector = if has_vector { format!("a: [{}], ", a.join(", ")) } else { String::new() };
        let matrix = format!("{{{vector}include: [{}], exclude: [{}]}}", include.join(", "), exclude.join(", "));
        let (source, strategy) = read(&format!("{{matrix: {matrix}}}"));
        let lowered = wfrun_workflow::lower(&source, wfrun_syntax::parse(&source).value.as_ref());
        let mut read: Vec<_> = lowered.diagnostics.iter().filter(|it| it.is_error()).map(|it| it.message.clone()).collect();
        let mut expanded = match expand(strategy.as_ref(), &Vars(String::new())) {
            Ok(_) => Vec::new(),
            Err(ExpandError::Wrong(errors)) => errors.iter().map(ToString::to_string).collect(),
            Err(err) => panic!("{err}"),
        };
        read.sort();
        expanded.sort();
        prop_assert_eq!(read, expanded);
    }

    #[test]
    fn any_shape_is_expanded_or_refused(json in any_json()) {
        let (source, strategy) = read("'${{ fromJSON(vars.M) }}'");
        match expand(strategy.as_ref(), &Vars(json)) {
            Ok(expansion) => {
                prop_assert!((1..=MAX_LEGS).contains(&expansion.combinations.len()));
                prop_assert!(expansion.max_parallel > 0);
            }
            Err(err) => {
                prop_assert!(!matches!(err, ExpandError::NotYet(_)));
                prop_assert!(err.github_text("j", &source).is_some());
            }
        }
    }

    /// However many vectors and values there are.
    #[test]
    fn only_as_many_legs_as_may_be(vectors in prop::collection::vec(1_usize..40, 1..30)) {
        let values = |count: usize| (0..count).map(|it| it.to_string()).collect::<Vec<_>>().join(",");
        let entries: Vec<String> =
            vectors.iter().enumerate().map(|(at, count)| format!("\"v{at}\": [{}]", values(*count))).collect();
        let json = format!("{{\"matrix\": {{{}}}}}", entries.join(", "));
        let (_, strategy) = read("'${{ fromJSON(vars.M) }}'");
        let product = vectors.iter().try_fold(1_usize, |all, it| all.checked_mul(*it)).unwrap_or(usize::MAX);
        match expand(strategy.as_ref(), &Vars(json)) {
            Ok(expansion) => prop_assert_eq!(expansion.combinations.len(), product),
            Err(ExpandError::TooManyLegs { legs, at_least, .. }) => {
                prop_assert!(legs > MAX_LEGS);
                prop_assert!(legs == product || (at_least && legs < product));
            }
            Err(err) => panic!("{err}"),
        }
    }
}
