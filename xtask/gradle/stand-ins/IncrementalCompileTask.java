package org.gradle.internal.compiler.java;

import com.sun.source.tree.*;
import com.sun.source.util.*;
import java.io.File;
import java.util.*;
import java.util.function.*;
import javax.annotation.processing.Processor;
import javax.lang.model.element.*;
import javax.lang.model.util.Elements;
import javax.tools.JavaCompiler;

/**
 * Wraps a javac task so that Gradle's incremental Java compiler learns which classes came of
 * which source file, and which classes use which other classes' compile-time constants.
 * Gradle instantiates it by this name with these six arguments.
 */
public class IncrementalCompileTask implements JavaCompiler.CompilationTask {
    private final JavacTask task;
    private final Function<File, Optional<String>> relativize;
    private final Consumer<String> backup;
    private final Consumer<Map<String, Set<String>>> classNames;
    private final BiConsumer<String, String> publicDependent;
    private final Map<String, Set<String>> bySource = new HashMap<>();

    public IncrementalCompileTask(JavaCompiler.CompilationTask task, Function<File, Optional<String>> relativize,
                                  Consumer<String> backup, Consumer<Map<String, Set<String>>> classNames,
                                  BiConsumer<String, String> publicDependent, BiConsumer<String, String> privateDependent) {
        if (!(task instanceof JavacTask)) {
            throw new UnsupportedOperationException("Unexpected Java compile task: " + task.getClass().getName());
        }
        this.task = (JavacTask) task;
        this.relativize = relativize;
        this.backup = backup;
        this.classNames = classNames;
        this.publicDependent = publicDependent;
    }

    @Override public void addModules(Iterable<String> names) { task.addModules(names); }
    @Override public void setProcessors(Iterable<? extends Processor> processors) { task.setProcessors(processors); }
    @Override public void setLocale(Locale locale) { task.setLocale(locale); }

    @Override public Boolean call() {
        Elements elements = task.getElements();
        Trees trees = Trees.instance(task);
        task.addTaskListener(new TaskListener() {
            @Override public void started(TaskEvent e) {
                if (e.getKind() == TaskEvent.Kind.GENERATE && e.getTypeElement() != null) {
                    backup.accept(elements.getBinaryName(e.getTypeElement()).toString());
                }
            }

            @Override public void finished(TaskEvent e) {
                if (e.getSourceFile() == null) {
                    return;
                }
                if (e.getKind() == TaskEvent.Kind.GENERATE && e.getTypeElement() != null) {
                    record(e, elements.getBinaryName(e.getTypeElement()).toString());
                } else if (e.getKind() == TaskEvent.Kind.ANALYZE) {
                    CompilationUnitTree unit = e.getCompilationUnit();
                    if (unit != null && unit.getSourceFile().getName().endsWith("package-info.java")) {
                        record(e, unit.getPackageName() + ".package-info");
                    } else if (e.getTypeElement() != null) {
                        TreePath path = trees.getPath(e.getTypeElement());
                        if (path != null) {
                            new Constants(trees, elements).scan(path, null);
                        }
                    }
                }
            }
        });
        try {
            return task.call();
        } finally {
            classNames.accept(bySource);
        }
    }

    private void record(TaskEvent e, String className) {
        if (!"file".equals(e.getSourceFile().toUri().getScheme())) {
            return;
        }
        relativize.apply(new File(e.getSourceFile().toUri())).ifPresent(
            path -> bySource.computeIfAbsent(path, k -> new HashSet<>()).add(className));
    }

    /** Reports every use of another class's compile-time constant. */
    private final class Constants extends TreePathScanner<Void, Void> {
        private final Trees trees;
        private final Elements elements;

        Constants(Trees trees, Elements elements) {
            this.trees = trees;
            this.elements = elements;
        }

        @Override public Void visitMemberSelect(MemberSelectTree node, Void v) {
            use();
            return super.visitMemberSelect(node, v);
        }

        @Override public Void visitIdentifier(IdentifierTree node, Void v) {
            use();
            return super.visitIdentifier(node, v);
        }

        private void use() {
            Element el = trees.getElement(getCurrentPath());
            if (!(el instanceof VariableElement) || el.getKind() != ElementKind.FIELD || ((VariableElement) el).getConstantValue() == null) {
                return;
            }
            String origin = elements.getBinaryName((TypeElement) el.getEnclosingElement()).toString();
            String user = enclosing();
            if (user != null && !user.equals(origin)) {
                publicDependent.accept(origin, user);
            }
        }

        private String enclosing() {
            for (TreePath p = getCurrentPath(); p != null; p = p.getParentPath()) {
                if (p.getLeaf() instanceof ClassTree) {
                    Element el = trees.getElement(p);
                    if (el instanceof TypeElement) {
                        String name = elements.getBinaryName((TypeElement) el).toString();
                        if (!name.isEmpty()) {
                            return name;
                        }
                    }
                }
            }
            return null;
        }
    }
}
