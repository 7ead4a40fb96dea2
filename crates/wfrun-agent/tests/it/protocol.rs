//! Every message survives every way of cutting its bytes.

use std::fmt::Debug;

use proptest::prelude::*;
use wfrun_agent::protocol::{
    Decoder, FoundProcess, Message, ProtocolError, Ready, Reply, Request, Signal, Stream, Target,
};

fn request() -> impl Strategy<Value = Request> {
    let text = any::<String>;
    let env = prop::collection::vec((text(), text()), 0..4);
    prop_oneof![
        (any::<u32>(), prop::collection::vec(text(), 0..4), env, text())
            .prop_map(|(id, argv, env, cwd)| Request::Spawn { id, argv, env, cwd }),
        (
            any::<u32>(),
            prop::sample::select(vec![Signal::Interrupt, Signal::Terminate, Signal::Kill]),
            prop::sample::select(vec![Target::Leader, Target::Group, Target::Tree])
        )
            .prop_map(|(id, signal, target)| Request::Signal { id, signal, target }),
        (any::<u32>(), text(), text()).prop_map(|(id, command, path)| Request::Which { id, command, path }),
        (any::<u32>(), text(), text()).prop_map(|(id, name, value)| Request::Sweep { id, name, value }),
        Just(Request::Shutdown),
    ]
}

fn reply() -> impl Strategy<Value = Reply> {
    let text = any::<String>;
    prop_oneof![
        (any::<u32>(), text(), prop::collection::vec((text(), text()), 0..4), any::<Option<String>>())
            .prop_map(|(pid, arch, env, metadata_open)| Reply::Ready(Ready { pid, arch, env, metadata_open })),
        (any::<u32>(), text()).prop_map(|(id, message)| Reply::Warning { id, message }),
        text().prop_map(|message| Reply::SetupFailed { message }),
        (any::<u32>(), any::<i32>()).prop_map(|(id, pid)| Reply::Started { id, pid }),
        (any::<u32>(), prop::sample::select(vec![Stream::Stdout, Stream::Stderr]), any::<Vec<u8>>())
            .prop_map(|(id, stream, bytes)| Reply::Output { id, stream, bytes }),
        (any::<u32>(), any::<i32>()).prop_map(|(id, code)| Reply::Exited { id, code }),
        (any::<u32>(), text()).prop_map(|(id, message)| Reply::FailedToStart { id, message }),
        (any::<u32>(), any::<Option<String>>()).prop_map(|(id, path)| Reply::Found { id, path }),
        (any::<u32>(), prop::collection::vec((any::<i32>(), text()), 0..3)).prop_map(|(id, all)| {
            Reply::Swept { id, processes: all.into_iter().map(|(pid, name)| FoundProcess { pid, name }).collect() }
        }),
    ]
}

fn check<T: Message + PartialEq + Debug>(messages: &[T], pieces: &[usize]) {
    let mut bytes = Vec::new();
    for message in messages {
        message.encode(&mut bytes);
    }
    let (mut decoder, mut decoded, mut rest) = (Decoder::<T>::default(), Vec::new(), bytes.as_slice());
    let mut sizes = pieces.iter().copied().cycle();
    while !rest.is_empty() {
        let (piece, later) = rest.split_at(sizes.next().unwrap_or(1).clamp(1, rest.len()));
        decoder.ingest(piece);
        while let Some(message) = decoder.take().expect("what was encoded can be decoded") {
            decoded.push(message);
        }
        rest = later;
    }
    assert_eq!(decoded, messages);
}

proptest! {
    #[test]
    fn requests_survive(messages in prop::collection::vec(request(), 0..6), pieces in prop::collection::vec(1_usize..40, 1..8)) {
        check(&messages, &pieces);
    }

    #[test]
    fn replies_survive(messages in prop::collection::vec(reply(), 0..6), pieces in prop::collection::vec(1_usize..40, 1..8)) {
        check(&messages, &pieces);
    }

    #[test]
    fn nonsense_is_an_error_or_waits_for_more(bytes in any::<Vec<u8>>()) {
        let mut decoder = Decoder::<Request>::default();
        decoder.ingest(&bytes);
        while let Ok(Some(_)) = decoder.take() {}
    }
}

#[test]
fn impossible_frames_are_errors() {
    let take = |bytes: &[u8]| {
        let mut decoder = Decoder::<Request>::default();
        decoder.ingest(bytes);
        decoder.take().expect_err("impossible")
    };
    assert!(matches!(take(&[0, 0, 0, 0]), ProtocolError::Length { length: 0 }));
    assert!(matches!(take(&[255, 255, 255, 255]), ProtocolError::Length { length: 0xffff_ffff }));
    assert!(matches!(take(&[1, 0, 0, 0, 9]), ProtocolError::Kind { kind: 9, length: 0 }));
    assert!(matches!(take(&[2, 0, 0, 0, 0, b'x']), ProtocolError::Control { .. }));
}
