//! Conditions of a statement.

use std::cmp::Ordering;
use std::net::IpAddr;

use super::context::Context;
use super::pattern::Pattern;

/// One key of one operator of `Condition`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    operator: Operator,
    key: String,
    /// One of them must fit.
    values: Vec<String>,
}

/// `ForAnyValue:StringNotLikeIfExists`, taken apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Operator {
    quantifier: Option<Quantifier>,
    test: Test,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Quantifier {
    Any,
    All,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Test {
    Equals,
    EqualsIgnoreCase,
    Like,
    Arn,
    Number(Order),
    Date(Order),
    Bool,
    Ip,
    Null,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// The operators, with whether they are negated.
///
/// Source: AWS IAM user guide, "IAM JSON policy elements: Condition operators".
const OPERATORS: [(&str, Test, bool); 26] = [
    ("StringEquals", Test::Equals, false),
    ("StringNotEquals", Test::Equals, true),
    ("StringEqualsIgnoreCase", Test::EqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Test::EqualsIgnoreCase, true),
    ("StringLike", Test::Like, false),
    ("StringNotLike", Test::Like, true),
    ("ArnEquals", Test::Arn, false),
    ("ArnLike", Test::Arn, false),
    ("ArnNotEquals", Test::Arn, true),
    ("ArnNotLike", Test::Arn, true),
    ("NumericEquals", Test::Number(Order::Equal), false),
    ("NumericNotEquals", Test::Number(Order::Equal), true),
    ("NumericLessThan", Test::Number(Order::Less), false),
    ("NumericLessThanEquals", Test::Number(Order::LessOrEqual), false),
    ("NumericGreaterThan", Test::Number(Order::Greater), false),
    ("NumericGreaterThanEquals", Test::Number(Order::GreaterOrEqual), false),
    ("DateEquals", Test::Date(Order::Equal), false),
    ("DateNotEquals", Test::Date(Order::Equal), true),
    ("DateLessThan", Test::Date(Order::Less), false),
    ("DateLessThanEquals", Test::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Test::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Test::Date(Order::GreaterOrEqual), false),
    ("Bool", Test::Bool, false),
    ("IpAddress", Test::Ip, false),
    ("NotIpAddress", Test::Ip, true),
    ("Null", Test::Null, false),
];

impl Operator {
    /// Reads an operator's name; `None` where there is no such operator.
    ///
    /// Differs: `BinaryEquals` is refused as malformed; AWS takes it.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (quantifier, name) = match text.split_once(':') {
            None => (None, text),
            Some(("ForAnyValue", name)) => (Some(Quantifier::Any), name),
            Some(("ForAllValues", name)) => (Some(Quantifier::All), name),
            Some(_) => return None,
        };
        let (name, if_exists) = name.strip_suffix("IfExists").map_or((name, false), |name| (name, true));
        let (_, test, negated) = *OPERATORS.iter().find(|(known, ..)| *known == name)?;
        let meaningless = test == Test::Null && (if_exists || quantifier.is_some());
        (!meaningless).then_some(Self { quantifier, test, negated, if_exists })
    }
}

impl Condition {
    pub(super) fn new(operator: Operator, key: &str, values: Vec<String>) -> Self {
        Self { operator, key: key.to_owned(), values }
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn values(&self) -> &[String] {
        &self.values
    }

    /// Whether the condition is met.
    ///
    /// Source: AWS IAM user guide, "Conditions with multiple context keys or values" and "…IfExists": a key that is not there
    /// fails an operator and meets a negated one; `ForAllValues` is met by it, `ForAnyValue` is not.
    pub(super) fn holds(&self, context: &Context, has_variables: bool) -> bool {
        let Operator { quantifier, test, negated, if_exists } = self.operator;
        let given = context.get(&self.key);
        if test == Test::Null {
            return self.values.iter().any(|it| it.eq_ignore_ascii_case("true") == given.is_none());
        }
        let Some(given) = given else {
            return if_exists
                || match quantifier {
                    None => negated,
                    Some(Quantifier::Any) => false,
                    Some(Quantifier::All) => true,
                };
        };
        let variables = has_variables.then_some(context);
        let patterns: Vec<Pattern> = self.values.iter().filter_map(|it| Pattern::compile(it, variables)).collect();
        let fits = |text: &String| patterns.iter().any(|it| test.fits(it, text)) != negated;
        match quantifier {
            Some(Quantifier::All) => given.iter().all(fits),
            None if negated => given.iter().all(fits),
            Some(Quantifier::Any) | None => given.iter().any(fits),
        }
    }
}

impl Test {
    fn fits(self, wanted: &Pattern, given: &str) -> bool {
        match self {
            Self::Equals => wanted.literal() == given,
            Self::EqualsIgnoreCase => wanted.literal().to_lowercase() == given.to_lowercase(),
            Self::Like => wanted.matches(given),
            Self::Arn => wanted.matches_arn(given),
            Self::Bool => wanted.literal().eq_ignore_ascii_case(given),
            Self::Ip => in_network(given, &wanted.literal()),
            Self::Number(order) => order.holds(number(given), number(&wanted.literal())),
            Self::Date(order) => order.holds(seconds(given), seconds(&wanted.literal())),
            // Handled where absence is looked at.
            Self::Null => false,
        }
    }
}

impl Order {
    fn holds(self, given: Option<f64>, wanted: Option<f64>) -> bool {
        let Some(order) = given.zip(wanted).and_then(|(given, wanted)| given.partial_cmp(&wanted)) else {
            return false;
        };
        match self {
            Self::Equal => order == Ordering::Equal,
            Self::Less => order == Ordering::Less,
            Self::LessOrEqual => order != Ordering::Greater,
            Self::Greater => order == Ordering::Greater,
            Self::GreaterOrEqual => order != Ordering::Less,
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|it: &f64| it.is_finite())
}

/// A date of ISO 8601 or a number of seconds since 1970.
///
/// Source: AWS IAM user guide, "Date condition operators".
fn seconds(text: &str) -> Option<f64> {
    if let Some(epoch) = number(text) {
        return Some(epoch);
    }
    let moment = text.parse::<jiff::Timestamp>().ok();
    let moment = moment.or_else(|| {
        let day = text.parse::<jiff::civil::Date>().ok()?;
        Some(day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
    });
    moment.map(|it| it.as_duration().as_secs_f64())
}

/// Whether an address is in a network as `203.0.113.0/24`; without a length the network is one address.
fn in_network(address: &str, network: &str) -> bool {
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let (base, length) = network.split_once('/').map_or((network, None), |(base, length)| (base, Some(length)));
    let Ok(base) = base.parse::<IpAddr>() else { return false };
    let (address, base, bits) = match (address, base) {
        (IpAddr::V4(address), IpAddr::V4(base)) => (u128::from(address.to_bits()), u128::from(base.to_bits()), 32),
        (IpAddr::V6(address), IpAddr::V6(base)) => (address.to_bits(), base.to_bits(), 128),
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => return false,
    };
    let Some(length) = length.map_or(Some(bits), |it| it.parse::<u32>().ok()).filter(|it| *it <= bits) else {
        return false;
    };
    // A shift by all bits is none.
    let differing = address ^ base;
    length == 0 || differing.checked_shr(bits - length).unwrap_or(0) == 0
}
