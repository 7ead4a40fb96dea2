//! What the kernel does with each call, as a program of its filters.
//!
//! Source: <https://www.kernel.org/doc/html/latest/userspace-api/seccomp_filter.html>

use nix::libc::{
    self, BPF_ABS, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO,
    SECCOMP_RET_USER_NOTIF, sock_filter,
};

/// Source: `linux/audit.h`.
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;

/// Offsets in `struct seccomp_data`.
const NUMBER: u32 = 0;
const ARCHITECTURE_AT: u32 = 4;
const ARGUMENTS: u32 = 16;

/// What happens to a call.
#[derive(Debug, Clone, Copy)]
enum Verdict {
    Ask,
    Fail(i32),
}

/// When it happens.
#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    /// One of these bits is set in the argument with this number.
    Bits(u32, i32),
}

/// The program: calls that it does not name go on.
pub(super) fn program() -> Vec<sock_filter> {
    let rules = [
        (libc::SYS_connect, When::Always, Verdict::Ask),
        // They connect, too, and have their address where the kernel's filters cannot ask for it.
        (libc::SYS_sendto, When::Bits(3, libc::MSG_FASTOPEN), Verdict::Fail(libc::EOPNOTSUPP)),
        (libc::SYS_sendmsg, When::Bits(2, libc::MSG_FASTOPEN), Verdict::Fail(libc::EOPNOTSUPP)),
        (libc::SYS_sendmmsg, When::Bits(3, libc::MSG_FASTOPEN), Verdict::Fail(libc::EOPNOTSUPP)),
    ];
    let mut program = vec![load(ARCHITECTURE_AT), jump(BPF_JEQ, ARCHITECTURE, 1, 0), done(SECCOMP_RET_ALLOW)];
    program.push(load(NUMBER));
    for (number, when, verdict) in rules {
        rule(&mut program, number, when, verdict);
    }
    program.push(done(SECCOMP_RET_ALLOW));
    program
}

fn rule(program: &mut Vec<sock_filter>, number: i64, when: When, verdict: Verdict) {
    let verdict = done(match verdict {
        Verdict::Ask => SECCOMP_RET_USER_NOTIF,
        Verdict::Fail(errno) => SECCOMP_RET_ERRNO | errno.unsigned_abs(),
    });
    let body = match when {
        When::Always => vec![verdict],
        When::Bits(argument, bits) => vec![
            load(ARGUMENTS + 8 * argument),
            jump(BPF_JSET, bits.cast_unsigned(), 0, 1),
            verdict,
            done(SECCOMP_RET_ALLOW),
        ],
    };
    let number = u32::try_from(number).expect("calls have small numbers");
    let skipped = u8::try_from(body.len()).expect("a rule is short");
    program.push(jump(BPF_JEQ, number, 0, skipped));
    program.extend(body);
}

/// Loads 32 bits of what is known of the call.
fn load(offset: u32) -> sock_filter {
    instruction(BPF_LD | BPF_W | BPF_ABS, offset, 0, 0)
}

/// Skips instructions if what is loaded compares so, or if it does not.
fn jump(comparison: u32, value: u32, if_so: u8, if_not: u8) -> sock_filter {
    instruction(BPF_JMP | comparison | BPF_K, value, if_so, if_not)
}

fn done(verdict: u32) -> sock_filter {
    instruction(BPF_RET | BPF_K, verdict, 0, 0)
}

fn instruction(code: u32, k: u32, jt: u8, jf: u8) -> sock_filter {
    sock_filter { code: u16::try_from(code).expect("codes have 16 bits"), jt, jf, k }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the kernel would do: the program run over a call.
    fn verdict(program: &[sock_filter], number: i64, architecture: u32, arguments: [u32; 6]) -> u32 {
        let mut loaded = 0;
        let mut at = 0;
        loop {
            let it = program[at];
            at += 1;
            let code = u32::from(it.code);
            if code == BPF_LD | BPF_W | BPF_ABS {
                loaded = match it.k {
                    NUMBER => u32::try_from(number).expect("a number"),
                    ARCHITECTURE_AT => architecture,
                    offset => arguments[((offset - ARGUMENTS) / 8) as usize],
                };
            } else if code == BPF_RET | BPF_K {
                return it.k;
            } else {
                let holds = if code == BPF_JMP | BPF_JEQ | BPF_K { loaded == it.k } else { loaded & it.k != 0 };
                at += usize::from(if holds { it.jt } else { it.jf });
            }
        }
    }

    #[test]
    fn each_call_has_its_verdict() {
        let fast = libc::MSG_FASTOPEN.cast_unsigned();
        let fails = SECCOMP_RET_ERRNO | libc::EOPNOTSUPP.unsigned_abs();
        for (number, arguments, expected) in [
            (libc::SYS_connect, [0; 6], SECCOMP_RET_USER_NOTIF),
            (libc::SYS_read, [0; 6], SECCOMP_RET_ALLOW),
            (libc::SYS_sendto, [0; 6], SECCOMP_RET_ALLOW),
            (libc::SYS_sendto, [0, 0, 0, fast, 0, 0], fails),
            (libc::SYS_sendmsg, [0, 0, fast | 1, 0, 0, 0], fails),
            (libc::SYS_sendmmsg, [0, 0, 0, fast, 0, 0], fails),
            (libc::SYS_sendmmsg, [0, 0, fast, 0, 0, 0], SECCOMP_RET_ALLOW),
        ] {
            assert_eq!(verdict(&program(), number, ARCHITECTURE, arguments), expected, "{number} {arguments:?}");
        }
    }

    /// Numbers mean other calls there.
    #[test]
    fn programs_of_another_architecture_go_on() {
        let found = verdict(&program(), libc::SYS_connect, 0x4000_0003, [0; 6]);
        assert_eq!(found, SECCOMP_RET_ALLOW);
    }
}
