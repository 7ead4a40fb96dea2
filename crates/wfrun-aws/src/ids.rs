//! Identifiers and ARNs, in the forms AWS gives them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use sha2::{Digest as _, Sha256};
use uuid::{Builder, Uuid};

/// The VPC that every region has, its subnets, one in each of the first three zones, and its security group.
pub(crate) const DEFAULT_VPC: &str = "vpc-0a1b2c3d4e5f60718";
pub(crate) const DEFAULT_SUBNETS: [&str; 3] =
    ["subnet-0a1b2c3d4e5f60711", "subnet-0a1b2c3d4e5f60712", "subnet-0a1b2c3d4e5f60713"];
pub(crate) const DEFAULT_SECURITY_GROUP: &str = "sg-0a1b2c3d4e5f60714";

/// Makes the ARNs of one account in one region.
///
/// Source: AWS, Service Authorization Reference, resource types of ECS, ECR and IAM.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Arns<'a> {
    pub(crate) account: &'a str,
    pub(crate) region: &'a str,
}

impl Arns<'_> {
    pub(crate) fn cluster(self, cluster: &str) -> String {
        self.ecs(&format!("cluster/{cluster}"))
    }

    pub(crate) fn service(self, cluster: &str, service: &str) -> String {
        self.ecs(&format!("service/{cluster}/{service}"))
    }

    pub(crate) fn service_deployment(self, cluster: &str, service: &str, id: &str) -> String {
        self.ecs(&format!("service-deployment/{cluster}/{service}/{id}"))
    }

    pub(crate) fn service_revision(self, cluster: &str, service: &str, id: &str) -> String {
        self.ecs(&format!("service-revision/{cluster}/{service}/{id}"))
    }

    pub(crate) fn task(self, cluster: &str, task: &str) -> String {
        self.ecs(&format!("task/{cluster}/{task}"))
    }

    /// The same for the same task and name of a container.
    pub(crate) fn container(self, cluster: &str, task: &str, name: &str) -> String {
        let digest = Sha256::digest(format!("{task} {name}"));
        let seed = digest.first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
        let id = Builder::from_random_bytes(*seed).into_uuid();
        self.ecs(&format!("container/{cluster}/{task}/{id}"))
    }

    pub(crate) fn task_definition(self, family: &str, revision: u32) -> String {
        self.ecs(&format!("task-definition/{family}:{revision}"))
    }

    /// `named` is `family:revision`.
    pub(crate) fn task_definition_named(self, named: &str) -> String {
        self.ecs(&format!("task-definition/{named}"))
    }

    pub(crate) fn repository(self, name: &str) -> String {
        format!("arn:aws:ecr:{}:{}:repository/{name}", self.region, self.account)
    }

    pub(crate) fn load_balancer(self, name: &str, id: &str) -> String {
        self.elb(&format!("loadbalancer/app/{name}/{id}"))
    }

    pub(crate) fn target_group(self, name: &str, id: &str) -> String {
        self.elb(&format!("targetgroup/{name}/{id}"))
    }

    /// Without the `:*` that some answers have behind it.
    pub(crate) fn log_group(self, name: &str) -> String {
        format!("arn:aws:logs:{}:{}:log-group:{name}", self.region, self.account)
    }

    fn elb(self, resource: &str) -> String {
        format!("arn:aws:elasticloadbalancing:{}:{}:{resource}", self.region, self.account)
    }

    fn ecs(self, resource: &str) -> String {
        format!("arn:aws:ecs:{}:{}:{resource}", self.region, self.account)
    }
}

/// The ARN of the account's root.
pub(crate) fn root_arn(account: &str) -> String {
    format!("arn:aws:iam::{account}:root")
}

/// `prefix` and `length` characters of upper-case base32, as IAM's unique ids and access key ids are.
///
/// Source: AWS IAM, "IAM identifiers", unique id prefixes (`AIDA`, `AKIA`).
pub(crate) fn unique_id(prefix: &str, length: usize, seed: Uuid) -> String {
    const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let digest = Sha256::digest(seed.as_bytes());
    let body = digest.iter().take(length).map(|byte| char::from(BASE32[usize::from(byte % 32)]));
    prefix.chars().chain(body).collect()
}

/// IAM's unique id of what has always the same one: `prefix` and 17 characters, from its name.
pub(crate) fn id_of(prefix: &str, name: &str) -> String {
    let digest = Sha256::digest(name);
    let seed = digest.first_chunk::<16>().expect("a SHA-256 digest has 32 bytes");
    unique_id(prefix, 17, Uuid::from_bytes(*seed))
}

/// A secret access key: 40 characters of base64.
pub(crate) fn secret_key() -> String {
    let bytes =
        Sha256::new().chain_update(Uuid::new_v4().as_bytes()).chain_update(Uuid::new_v4().as_bytes()).finalize();
    STANDARD_NO_PAD.encode(bytes.as_slice()).chars().take(40).collect()
}

/// A deployment id: `ecs-svc/` and 19 digits.
pub(crate) fn deployment_id(seed: Uuid) -> String {
    const LOWEST: u64 = 1_000_000_000_000_000_000;
    format!("ecs-svc/{}", LOWEST + seed.as_u64_pair().1 % (9 * LOWEST))
}

/// A service deployment's id: 21 characters of letters and digits.
pub(crate) fn service_deployment_id(seed: Uuid) -> String {
    seed.simple().to_string().chars().take(21).collect()
}

/// The id in the ARNs of load balancers: 16 hexadecimal digits.
pub(crate) fn short_hex(seed: Uuid) -> String {
    seed.simple().to_string().chars().skip(16).collect()
}

/// A task's id: 32 hexadecimal digits.
pub(crate) fn task_id(seed: Uuid) -> String {
    seed.simple().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Arns, deployment_id, secret_key, unique_id};
    use uuid::Uuid;

    #[test]
    fn ids_have_the_documented_forms() {
        let key = unique_id("AKIA", 16, Uuid::from_u128(7));
        assert_eq!(key.len(), 20);
        assert!(key.bytes().all(|b| b.is_ascii_uppercase() || (b'2'..=b'7').contains(&b)), "{key}");
        assert_eq!(secret_key().len(), 40);
        assert_ne!(secret_key(), secret_key());
        for seed in [0, 1, u128::MAX] {
            let id = deployment_id(Uuid::from_u128(seed));
            let digits = id.strip_prefix("ecs-svc/").expect("deployment ids begin so");
            assert!(digits.len() == 19 && digits.bytes().all(|b| b.is_ascii_digit()), "{id}");
        }
        let arns = Arns { account: "123456789012", region: "us-east-1" };
        assert_eq!(arns.service("c", "s"), "arn:aws:ecs:us-east-1:123456789012:service/c/s");
        let container = arns.container("c", "t", "app");
        let id = container.strip_prefix("arn:aws:ecs:us-east-1:123456789012:container/c/t/").expect("its task's");
        assert_eq!(Uuid::parse_str(id).map(|it| it.get_version_num()), Ok(4), "{container}");
        assert_eq!(container, arns.container("c", "t", "app"));
        assert_ne!(container, arns.container("c", "t", "sidecar"));
        assert_eq!(arns.repository("a/b"), "arn:aws:ecr:us-east-1:123456789012:repository/a/b");
    }
}
