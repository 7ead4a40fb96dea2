//! The other end of the socket that takes uploads.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendFlags, SocketAddrUnix, SocketFlags,
    SocketType,
};
use sha2::{Digest as _, Sha256};

/// Listens for one upload.
pub(crate) struct Uploads {
    pub(crate) path: PathBuf,
    thread: JoinHandle<Taken>,
}

/// What came.
#[derive(Default)]
pub(crate) struct Taken {
    pub(crate) hello: String,
    pub(crate) content: Vec<u8>,
    pub(crate) packets: usize,
    /// Descriptors.
    pub(crate) files: usize,
}

impl Uploads {
    /// Takes all there is.
    pub(crate) fn taking(path: &Path) -> Self {
        Self::start(path, |client| {
            let mut taken = Taken::default();
            (taken.hello, _) =
                receive(client).map(|(it, file)| (String::from_utf8(it).expect("text"), file)).expect("it comes");
            let mut sums = Vec::new();
            while let Some((packet, file)) = receive(client) {
                taken.packets += 1;
                taken.files += usize::from(file.is_some());
                if take(&packet, file.as_ref(), &mut taken.content, &mut sums) {
                    break;
                }
                answer(client, b"P", &(taken.content.len() as u64).to_le_bytes());
            }
            answer(client, b"D", hex::encode(Sha256::digest(&taken.content)).as_bytes());
            taken
        })
    }

    /// Takes a packet and ends the connection, with words or without.
    pub(crate) fn refusing(path: &Path, words: &'static str) -> Self {
        Self::start(path, move |client| {
            receive(client).expect("it comes");
            if !words.is_empty() {
                answer(client, b"E", words.as_bytes());
            }
            Taken::default()
        })
    }

    fn start(path: &Path, talk: impl FnOnce(&OwnedFd) -> Taken + Send + 'static) -> Self {
        std::fs::remove_file(path).ok();
        let socket = rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None);
        let socket = socket.expect("a socket");
        rustix::net::bind(&socket, &SocketAddrUnix::new(path).expect("a short path")).expect("a free name");
        rustix::net::listen(&socket, 1).expect("it listens");
        let thread = std::thread::spawn(move || talk(&rustix::net::accept(&socket).expect("a client")));
        Self { path: path.to_owned(), thread }
    }

    pub(crate) fn taken(self) -> Taken {
        self.thread.join().expect("no panic")
    }
}

fn receive(client: &OwnedFd) -> Option<(Vec<u8>, Option<OwnedFd>)> {
    let mut bytes = vec![0; 64 * 1024];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let got = rustix::net::recvmsg(client, &mut [IoSliceMut::new(&mut bytes)], &mut control, RecvFlags::CMSG_CLOEXEC);
    bytes.truncate(got.expect("a client").bytes);
    let mut file = None;
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(all) = message {
            file = all.last();
        }
    }
    (!bytes.is_empty()).then_some((bytes, file))
}

/// Whether that was the end.
fn take(packet: &[u8], file: Option<&OwnedFd>, content: &mut Vec<u8>, sums: &mut Vec<u32>) -> bool {
    let mut rest = packet;
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |all, byte| all << 8 | usize::from(*byte));
    while let Some((letter, after)) = rest.split_first() {
        let width = if matches!(letter, b'B' | b'S') { 4 } else { 8 };
        let value = number(&after[..width]);
        rest = &after[width..];
        match letter {
            b'B' => {
                content.extend_from_slice(&rest[..value]);
                rest = &rest[value..];
            }
            b'F' => {
                let mut bytes = vec![0; value];
                let file = std::fs::File::from(file.expect("it came").try_clone().expect("a file"));
                std::os::unix::fs::FileExt::read_exact_at(&file, &mut bytes, 0).expect("is so long");
                sums.push(crc32fast::hash(&bytes));
                content.extend(bytes);
            }
            b'S' => content.extend(sums[value].to_le_bytes()),
            b'E' => {
                assert_eq!(value, content.len());
                return true;
            }
            other => panic!("{other}"),
        }
    }
    false
}

fn answer(client: &OwnedFd, letter: &[u8], content: &[u8]) {
    rustix::net::send(client, &[letter, content].concat(), SendFlags::NOSIGNAL).expect("a client");
}
