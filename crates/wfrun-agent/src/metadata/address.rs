//! Addresses as programs hand them to the kernel.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::libc::{AF_INET, AF_INET6};

/// The length of an IPv6 address with all that belongs to it.
pub(super) const LONGEST: usize = 28;

/// Where credentials are told: to machines of AWS, Azure and Google's cloud, to tasks of ECS, to pods of EKS.
///
/// Source: <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html>,
/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/task-iam-roles.html>,
/// <https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html>,
/// <https://cloud.google.com/compute/docs/metadata/querying-metadata>
const CUT: [IpAddr; 6] = [
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 23)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
];

/// Google's cloud has its name server at the same address, and nothing works without.
const DNS: u16 = 53;

/// Whether steps are kept from it.
pub(super) fn is_cut(address: SocketAddr) -> bool {
    address.port() != DNS && CUT.contains(&address.ip().to_canonical())
}

/// Reads a `sockaddr`; `None` where it is none of IPv4 or IPv6.
pub(super) fn read(bytes: &[u8]) -> Option<SocketAddr> {
    let (family, rest) = bytes.split_first_chunk()?;
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    match i32::from(u16::from_ne_bytes(*family)) {
        AF_INET => Some((Ipv4Addr::from(*rest.first_chunk::<4>()?), port).into()),
        // The label of the flow comes first.
        AF_INET6 => Some((Ipv6Addr::from(*rest.get(4..)?.first_chunk::<16>()?), port).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v4(address: [u8; 4], port: u16) -> Vec<u8> {
        [&u16::to_ne_bytes(2)[..], &port.to_be_bytes(), &address, &[0; 8]].concat()
    }

    fn v6(address: &str, port: u16) -> Vec<u8> {
        let address: Ipv6Addr = address.parse().expect("an address");
        [&u16::to_ne_bytes(10)[..], &port.to_be_bytes(), &[0; 4], &address.octets(), &[0; 4]].concat()
    }

    #[test]
    fn what_is_cut() {
        for (bytes, expected) in [
            (v4([169, 254, 169, 254], 80), true),
            (v4([169, 254, 169, 254], 53), false),
            (v4([169, 254, 169, 253], 80), false),
            (v4([169, 254, 170, 2], 80), true),
            (v4([169, 254, 170, 23], 80), true),
            (v4([127, 0, 0, 1], 80), false),
            (v6("fd00:ec2::254", 80), true),
            (v6("fd00:ec2::23", 80), true),
            (v6("fd20:ce::254", 80), true),
            (v6("::ffff:169.254.169.254", 80), true),
            (v6("::1", 80), false),
        ] {
            let address = read(&bytes).expect("an address");
            assert_eq!(is_cut(address), expected, "{address}");
        }
    }

    #[test]
    fn what_is_no_address() {
        let unix = [&u16::to_ne_bytes(1)[..], b"/run/x.sock"].concat();
        let short = v6("fd00:ec2::254", 80)[..20].to_vec();
        for bytes in [Vec::new(), vec![2], v4([169, 254, 169, 254], 80)[..6].to_vec(), short, unix] {
            assert_eq!(read(&bytes), None, "{bytes:?}");
        }
    }
}
