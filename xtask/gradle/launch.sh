#!/bin/sh
# Starts Gradle from the installation that this script lies in.
app=$0
while [ -h "$app" ]; do
    link=$(readlink "$app")
    case $link in /*) app=$link ;; *) app=$(dirname "$app")/$link ;; esac
done
home=$(cd "$(dirname "$app")/.." && pwd -P) || exit 1
if [ -n "$JAVA_HOME" ]; then java=$JAVA_HOME/bin/java; else java=java; fi
# shellcheck disable=SC2086
exec "$java" -Xmx64m -Xms64m $JAVA_OPTS $GRADLE_OPTS -Dorg.gradle.appname=gradle \
    -javaagent:"$home/lib/agents/gradle-instrumentation-agent-8.8.jar" \
    -classpath "$home/lib/gradle-launcher-8.8.jar" org.gradle.launcher.GradleMain "$@"
