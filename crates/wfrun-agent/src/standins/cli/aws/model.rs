//! The operations and shapes of the services, from the files in `model/`.
//!
//! A line `> command Operation Input Output page` is an operation; `page` names the list that its pages fill, or is `-`.
//! Any other line is a structure: its name, then `member:type`, a `*` after what is required. Types are `s` string,
//! `i` integer, `f` float, `b` boolean, `t` time stamp, `[T` list, `{T` map of strings to T, or a structure's name; a
//! number after `s`, `i` or `[` is the least length or value.
//! The order of members is the order in which the AWS CLI prints them.
//! Source: AWS service models of ECS 2014-11-13, ECR 2015-09-21 and STS 2011-06-15.

use std::collections::HashMap;

use crate::standins::aws_client::{ECR, ECS, STS, Service};

/// What a member holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Type {
    /// With its least length.
    String(usize),
    /// With its least value.
    Integer(usize),
    Float,
    Boolean,
    Timestamp,
    /// With its least length.
    List(Box<Self>, usize),
    Map(Box<Self>),
    Structure(&'static str),
}

/// A member of a structure.
#[derive(Debug)]
pub(super) struct Member {
    /// As on the wire.
    pub(super) name: &'static str,
    pub(super) required: bool,
    pub(super) kind: Type,
}

/// An operation of a service.
#[derive(Debug)]
pub(super) struct Operation {
    /// As typed: `describe-services`.
    pub(super) command: &'static str,
    /// As on the wire: `DescribeServices`.
    pub(super) name: &'static str,
    pub(super) input: &'static str,
    pub(super) output: &'static str,
    /// The list that pages fill.
    pub(super) page: Option<&'static str>,
}

/// A service's operations and shapes.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) service: Service,
    operations: Vec<Operation>,
    structures: HashMap<&'static str, Vec<Member>>,
}

impl Model {
    /// The model of `ecs`, `ecr` or `sts`.
    pub(super) fn load(service: &str) -> Self {
        let (service, text) = match service {
            "ecr" => (ECR, include_str!("model/ecr.txt")),
            "sts" => (STS, include_str!("model/sts.txt")),
            _ => (ECS, include_str!("model/ecs.txt")),
        };
        let mut model = Self { service, operations: Vec::new(), structures: HashMap::new() };
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                Some(">") => model.operations.extend(read_operation(words)),
                Some(name) => {
                    model.structures.insert(name, words.filter_map(read_member).collect());
                }
                None => {}
            }
        }
        model
    }

    /// The operation of a command.
    pub(super) fn operation(&self, command: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.command == command)
    }

    /// The members of a structure, in order.
    pub(super) fn members(&self, structure: &str) -> &[Member] {
        self.structures.get(structure).map_or(&[], Vec::as_slice)
    }
}

fn read_operation(mut words: std::str::Split<'static, char>) -> Option<Operation> {
    let (command, name) = (words.next()?, words.next()?);
    let (input, output) = (words.next()?, words.next()?);
    Some(Operation { command, name, input, output, page: words.next().filter(|page| *page != "-") })
}

fn read_member(word: &'static str) -> Option<Member> {
    let (name, kind) = word.split_once(':')?;
    let required = name.ends_with('*');
    Some(Member { name: name.trim_end_matches('*'), required, kind: read_type(kind) })
}

fn read_type(word: &'static str) -> Type {
    let (letter, rest) = word.split_at(1);
    let inner = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let least = rest[..rest.len() - inner.len()].parse().unwrap_or(0);
    match (letter, inner) {
        ("s", "") => Type::String(least),
        ("i", "") => Type::Integer(least),
        ("f", "") => Type::Float,
        ("b", "") => Type::Boolean,
        ("t", "") => Type::Timestamp,
        ("[", _) => Type::List(Box::new(read_type(inner)), least),
        ("{", _) => Type::Map(Box::new(read_type(inner))),
        (_, _) => Type::Structure(word),
    }
}

/// The option that sets a member: `enableECSManagedTags` is `enable-ecs-managed-tags`.
pub(super) fn option_name(member: &str) -> String {
    let letters: Vec<char> = member.chars().collect();
    let mut option = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| letters.get(before));
        let word_starts = letter.is_ascii_uppercase()
            && before.is_some_and(|before| {
                let after_is_lower = letters.get(at + 1).is_some_and(char::is_ascii_lowercase);
                before.is_ascii_lowercase() || before.is_ascii_digit() || after_is_lower
            });
        if word_starts {
            option.push('-');
        }
        option.push(letter.to_ascii_lowercase());
    }
    option
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_options() {
        let cases = [
            ("cluster", "cluster"),
            ("taskDefinition", "task-definition"),
            ("enableECSManagedTags", "enable-ecs-managed-tags"),
            ("desiredCount", "desired-count"),
            ("imageIds", "image-ids"),
        ];
        for (member, option) in cases {
            assert_eq!(option_name(member), option);
        }
    }

    #[test]
    fn every_structure_that_is_named_is_there() {
        for service in ["ecs", "ecr", "sts"] {
            let model = Model::load(service);
            assert!(!model.operations.is_empty());
            for operation in &model.operations {
                for structure in [operation.input, operation.output] {
                    assert!(model.structures.contains_key(structure), "{service}: {structure}");
                }
            }
            for member in model.structures.values().flatten() {
                let mut kind = &member.kind;
                while let Type::List(inner, _) | Type::Map(inner) = kind {
                    kind = inner;
                }
                if let Type::Structure(name) = kind {
                    assert!(model.structures.contains_key(name), "{service}: {name}");
                }
            }
        }
    }
}
