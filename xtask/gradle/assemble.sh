#!/usr/bin/env bash
#
# Assembles a working Gradle 8.8 from artifacts on Maven Central, for machines that can't reach Gradle's own host.
#
#   xtask/gradle/assemble.sh DIR        then run DIR/bin/gradle
#
# The artifact dev.gradleplugins:gradle-api:8.8 holds nearly every class of the distribution, in one jar, with the
# third-party libraries moved below org.gradle.internal.impldep. Assemble.java moves them back and cuts the jar into
# the module jars that Gradle's start-up code expects; stand-ins/ holds, written anew, the few classes that the
# published jar leaves out and a build needs.
#
# Build scripts in Groovy (*.gradle) run on Gradle's own code. Not there: build scripts in Kotlin (*.gradle.kts),
# `--profile`, gradleTestKit(), and the native libraries for Windows and macOS (Gradle does without them).
#
# It needs a JDK, 17 to 22, and Maven 3, which keeps the downloads in its local repository; ALTAIR_MAVEN_ARGS, if
# set, is passed on to it. Run again, it does nothing while DIR is whole and of this same making. DIR is put in place
# in one step, and only when everything succeeded.
set -euo pipefail

readonly VERSION=8.8 KOTLIN=1.9.22      # as in parts.xml
readonly JAVA_AT_LEAST=17 JAVA_AT_MOST=22     # the newest that Gradle 8.8 runs on

fail() {
    echo "$0: $1" >&2
    exit "${2:-1}"
}

[ $# -eq 1 ] || fail "usage: $0 DIR" 2
case $1 in /*) home=$1 ;; *) home=$PWD/$1 ;; esac
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

command -v sha256sum >/dev/null || fail "there is no \`sha256sum\`: install coreutils"
made_by=$(cd "$here" && sha256sum assemble.sh parts.xml parts.sha256 launch.sh ./*.java stand-ins/*.java | sha256sum | cut -d' ' -f1)
if [ -x "$home/bin/gradle" ] && [ "$(cat "$home/.assembled-by" 2>/dev/null)" = "$made_by" ]; then
    exit 0
fi
if [ -e "$home" ] && [ ! -e "$home/.assembled-by" ] && [ -n "$(ls -A "$home" 2>/dev/null)" ]; then
    fail "$home exists and was not made by this script: it is left alone. Name another folder."
fi

# --- what is needed -----------------------------------------------------------------------------
if [ -n "${JAVA_HOME:-}" ]; then PATH=$JAVA_HOME/bin:$PATH; fi
readonly JDK="A JDK is needed, $JAVA_AT_LEAST to $JAVA_AT_MOST: sudo apt-get install openjdk-17-jdk"
for tool in java javac; do
    command -v $tool >/dev/null || fail "there is no \`$tool\`. $JDK"
done
java=$(javac -version 2>&1 | sed -n 's/^javac \([0-9]*\).*/\1/p')
if [ "${java:-0}" -lt $JAVA_AT_LEAST ] || [ "$java" -gt $JAVA_AT_MOST ]; then
    fail "$(command -v javac) is of Java ${java:-?}. $JDK"
fi
command -v mvn >/dev/null || fail "there is no \`mvn\`. Maven is needed: sudo apt-get install maven"

mkdir -p "$(dirname "$home")"
work=$(mktemp -d "$(dirname "$home")/.assemble-gradle.XXXXXX")
trap 'rm -rf "$work"' EXIT

# --- the parts ----------------------------------------------------------------------------------
echo "Assembling Gradle $VERSION from Maven Central, once."
# shellcheck disable=SC2086
mvn --quiet --batch-mode --strict-checksums -Dstyle.color=never ${ALTAIR_MAVEN_ARGS:-} --file "$here/parts.xml" \
    dependency:copy -DoutputDirectory="$work/parts" ||
    fail "Maven could not fetch what Gradle is made from; what it said is above."
(cd "$work/parts" && sha256sum --quiet --strict --check "$here/parts.sha256") ||
    fail "an artifact is not the one that is expected; what differs is above."

# --- the installation ---------------------------------------------------------------------------
asm=$(printf '%s:' "$work"/parts/asm*.jar)
# Not --release: com.sun.source and the jar must both be seen. Gradle's own classes are for Java 8 and newer.
javac -nowarn -Xlint:-options -g:none -source 9 -target 9 -cp "$work/parts/gradle-api-$VERSION.jar" \
    -d "$work/stand-ins" "$here"/stand-ins/*.java
javac -nowarn -cp "$asm" -d "$work/tool" "$here/Assemble.java"
java -Xmx2g -cp "$work/tool:$asm" Assemble \
    "$work/parts/gradle-api-$VERSION.jar" "$work/parts" "$work/stand-ins" "$work/home" $VERSION $KOTLIN

install -D -m 755 "$here/launch.sh" "$work/home/bin/gradle"
GRADLE_USER_HOME=$work/user-home "$work/home/bin/gradle" --version >/dev/null ||
    fail "what was assembled doesn't start; what it said is above."
echo "$made_by" > "$work/home/.assembled-by"
rm -rf "$home"
mv "$work/home" "$home"
echo "Gradle $VERSION is in $home"
