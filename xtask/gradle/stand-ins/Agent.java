package org.gradle.instrumentation.agent;

import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;

/** Hands the JVM's instrumentation on to Gradle, which looks this class up by name. */
public class Agent {
    private static volatile Instrumentation instrumentation;

    public static void premain(String args, Instrumentation inst) {
        instrumentation = inst;
    }

    public static void agentmain(String args, Instrumentation inst) {
        instrumentation = inst;
    }

    public static boolean isApplied() {
        return instrumentation != null;
    }

    public static boolean installTransformer(ClassFileTransformer transformer) {
        Instrumentation inst = instrumentation;
        if (inst == null) {
            return false;
        }
        inst.addTransformer(transformer);
        return true;
    }
}
