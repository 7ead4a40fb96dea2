use super::{Case, compare};

const TOOLS: &[(&str, &str)] = &[
    ("tools/Java_Temurin-Hotspot_jdk/8.0.392-8/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/8.0.392-8/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.9-9/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.9-9/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.10-7/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.10-7/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.10-11/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.10-11/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jdk/21.0.1-ea.2/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/21.0.1-ea.2/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jre/17.0.3-1/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jre/17.0.3-1/x64.complete", ""),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.4-1/arm64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Temurin-Hotspot_jdk/17.0.4-1/arm64.complete", ""),
    ("tools/Java_Adopt_jdk/11.0.2-9/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Adopt_jdk/11.0.2-9/x64.complete", ""),
    ("tools/Java_Corretto_jdk/17.0.1-12.1/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Corretto_jdk/17.0.1-12.1/x64.complete", ""),
    ("tools/Java_Zulu_jdk/17.0.5-8/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_Zulu_jdk/17.0.5-8/x64.complete", ""),
    ("tools/Java_jdkfile_jdk/17.0.6/x64/bin/java", "#!/bin/sh\n"),
    ("tools/Java_jdkfile_jdk/17.0.6/x64.complete", ""),
    ("work/repo/.java-version", "17.0.9\n"),
    ("work/repo/vendor/.java-version", "temurin-17.0.10+7\n"),
    ("work/repo/old/.java-version", "1.8\n"),
    ("work/repo/.tool-versions", "nodejs 20\njava temurin-17.0.9+9\n"),
    ("work/repo/.sdkmanrc", "# sdkman\njava=17.0.5-zulu\n"),
    ("work/repo/other/.sdkmanrc", "java=17.0.5-nobody\n"),
    ("work/repo/none.txt", "none\n"),
];

const NEW: &[u32] = &[3, 4, 5];

const T: (&str, &str) = ("distribution", "temurin");

const CASES: &[Case] = &[
    case("a version", &[T, ("java-version", "17")]),
    case("a patch", &[T, ("java-version", "17.0.10")]),
    case("a build", &[T, ("java-version", "17.0.10+7")]),
    case("an old one", &[T, ("java-version", "8")]),
    case("a range", &[T, ("java-version", ">=9 <18")]),
    case("an early one", &[T, ("java-version", "21-ea")]),
    case("an early build", &[T, ("java-version", "21.0.1-ea.2")]),
    case("a JRE", &[T, ("java-version", "17"), ("java-package", "jre")]),
    case("another architecture", &[T, ("java-version", "17"), ("architecture", "arm64")]),
    case("adopt", &[("distribution", "adopt"), ("java-version", "11")]),
    Case { majors: NEW, ..case("corretto", &[("distribution", "corretto"), ("java-version", "17")]) },
    case("zulu", &[("distribution", "zulu"), ("java-version", "17")]),
    case("a file's", &[("distribution", "jdkfile"), ("java-version", "17.0.6")]),
    case("no file's", &[("distribution", "jdkfile"), ("java-version", "11")]),
    case("nobody's", &[("distribution", "nobody"), ("java-version", "17")]),
    case("no version", &[T]),
    case("no distribution", &[("java-version", "17")]),
    case("no range", &[T, ("java-version", "newest")]),
    Case { majors: NEW, ..case("several", &[T, ("java-version", "8\n17\n8")]) },
    Case { majors: NEW, ..case("several with ids", &[T, ("java-version", "8\n17"), ("mvn-toolchain-id", "one\ntwo")]) },
    Case { majors: NEW, ..case("a vendor", &[T, ("java-version", "17"), ("mvn-toolchain-vendor", "Octo & Co")]) },
    Case { majors: NEW, ..case("a version file", &[T, ("java-version-file", ".java-version")]) },
    Case { majors: NEW, ..case("a vendor in a file", &[T, ("java-version-file", "vendor/.java-version")]) },
    Case { majors: NEW, ..case("an old file", &[T, ("java-version-file", "old/.java-version")]) },
    Case { majors: &[4, 5], ..case("a file of many tools", &[T, ("java-version-file", ".tool-versions")]) },
    Case { majors: &[5], ..case("a file of sdkman", &[("java-version-file", ".sdkmanrc")]) },
    Case { majors: &[5], ..case("an unknown one of sdkman", &[("java-version-file", "other/.sdkmanrc")]) },
    Case { majors: NEW, ..case("a file without", &[T, ("java-version-file", "none.txt")]) },
    Case { majors: NEW, ..case("no such file", &[T, ("java-version-file", "nowhere")]) },
    Case { majors: &[5], ..case("not the default", &[T, ("java-version", "17"), ("set-default", "false")]) },
    Case {
        majors: &[5],
        ..case("a signature", &[("distribution", "zulu"), ("java-version", "17"), ("verify-signature", "true")])
    },
    Case { majors: &[5], ..case("with progress", &[T, ("java-version", "17"), ("show-download-progress", "true")]) },
    Case { majors: &[5], env: &[("MAVEN_ARGS", "-B")], ..case("with arguments", &[T, ("java-version", "17")]) },
    Case { majors: &[5], env: &[("MAVEN_ARGS", "-ntp -B")], ..case("quiet already", &[T, ("java-version", "17")]) },
    case(
        "a server",
        &[
            T,
            ("java-version", "17"),
            ("server-id", "octo<1>"),
            ("server-username", "OCTO_USER"),
            ("server-password", "OCTO_PASSWORD"),
            ("gpg-passphrase", "OCTO_PHRASE"),
            ("settings-path", "m2/conf"),
        ],
    ),
    Case {
        files: &[TOOLS[2], TOOLS[3], ("home/.m2/settings.xml", "<settings/>"), ("home/.m2/toolchains.xml", TOOLCHAINS)],
        ..case("over files", &[T, ("java-version", "17")])
    },
    Case {
        files: &[TOOLS[2], TOOLS[3], ("home/.m2/settings.xml", "<settings/>"), ("home/.m2/toolchains.xml", TOOLCHAINS)],
        ..case("not over files", &[T, ("java-version", "17"), ("overwrite-settings", "false")])
    },
    case("a cache of nobody", &[T, ("java-version", "17"), ("cache", "maven")]),
];

const TOOLCHAINS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<toolchains>
  <toolchain>
    <type>jdk</type>
    <provides>
      <version>17</version>
      <id>temurin_17</id>
    </provides>
    <configuration><jdkHome>/opt/jdk17</jdkHome></configuration>
  </toolchain>
  <toolchain><type>netbeans</type></toolchain>
</toolchains>
"#;

const fn case(name: &'static str, inputs: &'static [(&'static str, &'static str)]) -> Case {
    Case { name, files: TOOLS, inputs, env: &[], majors: &[], is_unordered: false }
}

#[test]
fn setup_java() {
    compare("actions/setup-java", &[2, 3, 4, 5], CASES);
}
