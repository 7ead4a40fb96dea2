//! Whom `docker run --user` and an image's `USER` mean.

/// A user with its groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct User {
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
}

impl User {
    /// Finds `name`, `uid`, `name:group`, `uid:gid` and so on in the texts of `/etc/passwd` and `/etc/group`, with the groups
    /// that are `added`.
    ///
    /// Source: <https://github.com/moby/sys/blob/main/user/user.go>, `GetExecUser` and `GetAdditionalGroups`; and the engine,
    /// which counts the first group among the further ones.
    pub(super) fn find(text: &str, added: &[String], passwd: &str, group: &str) -> Result<Self, String> {
        let (name, of_group) = text.split_once(':').map_or((text, ""), |(name, group)| (name, group));
        let users = passwd.lines().map(|it| it.split(':').collect::<Vec<_>>());
        let number = name.parse::<u32>().ok();
        let known = users.filter_map(|it| Account::read(&it)).find(|it| match number {
            Some(number) => it.uid == number,
            None => it.name == name,
        });
        let (uid, mut gid) = match (&known, number) {
            (Some(account), _) => (account.uid, account.gid),
            (None, Some(number)) => (number, 0),
            (None, None) => return Err(format!("unable to find user {name}: no matching entries in passwd file")),
        };
        let mut groups = Vec::new();
        if !of_group.is_empty() {
            gid = group_number(of_group, group)?;
        } else if let Some(account) = &known {
            groups.extend(group.lines().filter_map(|it| member_of(it, account.name)));
        }
        for it in added {
            groups.push(group_number(it, group)?);
        }
        groups.insert(0, gid);
        groups.dedup();
        Ok(Self { uid, gid, groups })
    }
}

/// A line of `/etc/passwd`.
struct Account<'a> {
    name: &'a str,
    uid: u32,
    gid: u32,
}

impl<'a> Account<'a> {
    fn read(fields: &[&'a str]) -> Option<Self> {
        let [name, _, uid, gid, ..] = fields else { return None };
        Some(Self { name, uid: uid.parse().ok()?, gid: gid.parse().ok()? })
    }
}

fn group_number(name: &str, table: &str) -> Result<u32, String> {
    let found = table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (known, number) = (fields.next()?, fields.nth(1)?);
        (known == name).then(|| number.parse().ok()).flatten()
    });
    found
        .or_else(|| name.parse().ok())
        .ok_or_else(|| format!("unable to find group {name}: no matching entries in group file"))
}

/// The number of a line's group, where `user` is in it.
fn member_of(line: &str, user: &str) -> Option<u32> {
    let fields: Vec<&str> = line.split(':').collect();
    let [_, _, number, members] = fields.as_slice() else { return None };
    members.split(',').any(|it| it == user).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/bash\nnot a line\nnode:x:1000:1001::/home/node:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nnode:x:1001:\ndocker:x:998:node,other\naudio:x:29:other\nvideo:x:44:node\n";

    #[test]
    fn users_are_found_as_the_engine_finds_them() {
        for (text, added, expected) in [
            ("node", &[][..], Ok((1000, 1001, vec![1001, 998, 44]))),
            ("1000", &[], Ok((1000, 1001, vec![1001, 998, 44]))),
            ("node:audio", &[], Ok((1000, 29, vec![29]))),
            ("node:7", &["docker", "5"], Ok((1000, 7, vec![7, 998, 5]))),
            ("4711", &[], Ok((4711, 0, vec![0]))),
            ("4711:4712", &["audio"], Ok((4711, 4712, vec![4712, 29]))),
            ("nobody", &[], Err("unable to find user nobody: no matching entries in passwd file")),
            ("node:none", &[], Err("unable to find group none: no matching entries in group file")),
            ("node", &["none"], Err("unable to find group none: no matching entries in group file")),
        ] {
            let added: Vec<String> = added.iter().map(|it| (*it).to_owned()).collect();
            let found = User::find(text, &added, PASSWD, GROUP).map(|it| (it.uid, it.gid, it.groups));
            assert_eq!(found, expected.map_err(str::to_owned), "{text} {added:?}");
        }
    }
}
