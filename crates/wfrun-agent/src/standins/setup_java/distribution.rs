//! Whose Java is asked for.

use super::machine::Jdk;
use crate::standins::toolkit;

/// A distribution, as `distribution` names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Distribution {
    /// The value of the input.
    pub(super) name: &'static str,
    /// The output, and part of the tool's name in the tool cache.
    pub(super) title: &'static str,
    /// The major version of the action that has it first.
    since: u32,
    /// How its builds name their maker.
    makers: &'static [&'static str],
}

/// Source: `actions/setup-java`, `src/distributions/`; the makers are `IMPLEMENTOR` of the file `release` in each JDK.
const ALL: &[Distribution] = &[
    Distribution { name: "adopt", title: "Adopt-Hotspot", since: 2, makers: &["Eclipse Adoptium", "AdoptOpenJDK"] },
    Distribution {
        name: "adopt-hotspot",
        title: "Adopt-Hotspot",
        since: 2,
        makers: &["Eclipse Adoptium", "AdoptOpenJDK"],
    },
    Distribution { name: "adopt-openj9", title: "Adopt-OpenJ9", since: 2, makers: &["AdoptOpenJDK"] },
    Distribution { name: "temurin", title: "Temurin-Hotspot", since: 2, makers: &["Eclipse Adoptium", "Temurin"] },
    Distribution { name: "zulu", title: "Zulu", since: 2, makers: &["Azul Systems, Inc."] },
    Distribution { name: "liberica", title: "Liberica", since: 2, makers: &["BellSoft"] },
    Distribution { name: "jdkfile", title: "jdkfile", since: 2, makers: &[] },
    Distribution { name: "microsoft", title: "Microsoft", since: 2, makers: &["Microsoft"] },
    Distribution {
        name: "semeru",
        title: "IBM_Semeru",
        since: 3,
        makers: &["IBM Corporation", "International Business Machines Corporation"],
    },
    Distribution { name: "corretto", title: "Corretto", since: 3, makers: &["Amazon.com Inc."] },
    Distribution { name: "oracle", title: "Oracle", since: 3, makers: &["Oracle Corporation"] },
    Distribution { name: "dragonwell", title: "Dragonwell", since: 3, makers: &["Alibaba"] },
    Distribution { name: "sapmachine", title: "SapMachine", since: 4, makers: &["SAP SE"] },
    Distribution { name: "graalvm", title: "GraalVM", since: 4, makers: &["Oracle Corporation"] },
    Distribution { name: "graalvm-community", title: "GraalVM Community", since: 5, makers: &["GraalVM Community"] },
    Distribution { name: "jetbrains", title: "JetBrains", since: 4, makers: &["JetBrains s.r.o."] },
    Distribution { name: "kona", title: "Kona", since: 5, makers: &["Tencent"] },
];

impl Distribution {
    /// The distribution of that name, if the major version of the action has it.
    pub(super) fn find(name: &str, action: u32) -> Option<&'static Self> {
        ALL.iter().find(|it| it.name == name && it.since <= action)
    }

    /// The tool's name in the tool cache, for a package such as `jdk`.
    pub(super) fn folder(&self, package: &str) -> String {
        let title = match self.name {
            // Hosted runners have had it under this name.
            "adopt" | "adopt-hotspot" => "Adopt",
            "graalvm-community" => "GraalVM_Community",
            _ => self.title,
        };
        format!("Java_{title}_{package}")
    }

    /// Whether a JDK of this machine is of this distribution.
    pub(super) fn is_made_by(&self, jdk: &Jdk) -> bool {
        let is_graal = self.name == "graalvm" || self.name == "graalvm-community";
        self.makers.contains(&jdk.vendor.as_str()) && jdk.is_graal == is_graal
    }

    /// Whether `verify-signature` is supported for it.
    pub(super) fn has_signatures(&self) -> bool {
        matches!(self.name, "temurin" | "microsoft")
    }

    /// Says that the legacy names will go, from v4 on.
    pub(super) fn say_if_deprecated(&self, action: u32) {
        let replacement = match self.name {
            "adopt" | "adopt-hotspot" => "temurin",
            "adopt-openj9" => "semeru",
            _ => return,
        };
        if action >= 4 {
            toolkit::warning(&format!(
                "The '{}' legacy AdoptOpenJDK distribution is deprecated and will be removed in setup-java v6. Please \
                 migrate to the '{replacement}' distribution.",
                self.name
            ));
        }
    }
}
