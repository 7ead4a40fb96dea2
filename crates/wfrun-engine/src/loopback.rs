//! This machine and its metadata are asked directly, whatever proxies there are.
use indexmap::IndexMap;

/// Variables that name a proxy, in small letters; programs read them in capitals as well.
const PROXIES: [&str; 3] = ["all_proxy", "http_proxy", "https_proxy"];
/// The loopback, on which wfrun's own services are, and the address of metadata: a proxy on this machine would ask it for those who
/// must not.
const DIRECT: [&str; 4] = ["localhost", "127.0.0.1", "::1", "169.254.169.254"];

/// Sees to it that no request for this machine's loopback or its metadata goes through a proxy, where the environment has one.
///
/// Differs: where an environment has a proxy, its `NO_PROXY` and `no_proxy` name the loopback as well, on which wfrun's services are,
/// and the address of a machine's metadata.
pub fn keep_loopback_direct(env: &mut IndexMap<String, String>) {
    let is_proxy = |name: &str| PROXIES.iter().any(|it| it.eq_ignore_ascii_case(name));
    if !env.iter().any(|(name, value)| is_proxy(name) && !value.is_empty()) {
        return;
    }
    let get = |name: &str| env.get(name).map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
    let [capitals, small] = ["NO_PROXY", "no_proxy"].map(get);
    for (name, own, other) in [("NO_PROXY", &capitals, &small), ("no_proxy", &small, &capitals)] {
        let known = own.as_ref().or(other.as_ref()).map_or("", String::as_str);
        env.insert(name.to_owned(), with_direct(known));
    }
}

fn with_direct(known: &str) -> String {
    let hosts: Vec<&str> = known.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
    if hosts.contains(&"*") {
        return known.to_owned();
    }
    let missing = DIRECT.into_iter().filter(|it| !hosts.contains(it));
    hosts.iter().copied().chain(missing).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use indexmap::IndexMap;

    use super::keep_loopback_direct;

    #[test]
    fn the_loopback_is_never_behind_a_proxy() {
        let ours = "localhost,127.0.0.1,::1,169.254.169.254";
        for (before, capitals, small) in [
            (vec![("HTTP_PROXY", "p")], Some(ours.to_owned()), Some(ours.to_owned())),
            (vec![("all_proxy", "p"), ("no_proxy", "a, b")], Some(format!("a,b,{ours}")), Some(format!("a,b,{ours}"))),
            (
                vec![("https_proxy", "p"), ("NO_PROXY", "a"), ("no_proxy", "b")],
                Some(format!("a,{ours}")),
                Some(format!("b,{ours}")),
            ),
            (
                vec![("https_proxy", "p"), ("NO_PROXY", "::1,a,localhost,169.254.169.254,127.0.0.1")],
                Some("::1,a,localhost,169.254.169.254,127.0.0.1".to_owned()),
                Some("::1,a,localhost,169.254.169.254,127.0.0.1".to_owned()),
            ),
            (vec![("http_proxy", "p"), ("NO_PROXY", "*")], Some("*".to_owned()), Some("*".to_owned())),
            (vec![("http_proxy", ""), ("NO_PROXY", "a")], Some("a".to_owned()), None),
            (vec![], None, None),
        ] {
            let mut env: IndexMap<String, String> =
                before.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            keep_loopback_direct(&mut env);
            assert_eq!((env.get("NO_PROXY"), env.get("no_proxy")), (capitals.as_ref(), small.as_ref()), "{before:?}");
        }
    }
}
