import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.LocalDateTime;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.StringJoiner;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.Attributes;
import java.util.jar.Manifest;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;
import org.objectweb.asm.ClassReader;
import org.objectweb.asm.ClassWriter;
import org.objectweb.asm.commons.ClassRemapper;
import org.objectweb.asm.commons.Remapper;

/**
 * Rebuilds a Gradle installation's lib/ from the published gradle-api jar.
 *
 * That jar is every Gradle module and every third-party library of Gradle's, one after the other in module order, the
 * libraries moved below org.gradle.internal.impldep. This program walks its entries in order and
 *   1. moves the libraries back to their own packages (names and string constants);
 *   2. cuts the modules apart: a module's classes stand directly before its gradle-NAME-classpath.properties, its
 *      resources behind it;
 *   3. sorts the libraries into jars under the names that the modules' classpath properties ask for;
 *   4. splits the merged META-INF/services by the jar that holds each provider.
 *
 * Arguments: the jar, the folder of real library jars, the folder of stand-in classes, the installation to make,
 * Gradle's version, Kotlin's version.
 */
public final class Assemble {
    private static final String MOVED = "org/gradle/internal/impldep/";
    private static final String MOVED_DOT = "org.gradle.internal.impldep.";
    private static final Pattern MODULE = Pattern.compile("(gradle-.+)-classpath\\.properties");

    /** What a library's entries begin with, and what its jar's name begins with; the first match wins. */
    private static final String[][] LIBRARIES = {
        {"org/apache/tools/ant/launch/", "ant-launcher"}, {"org/apache/tools/", "ant"}, {"images/ant", "ant"},
        {"org/objectweb/asm/tree/", "asm-tree"}, {"org/objectweb/asm/commons/", "asm-commons"},
        {"org/objectweb/asm/", "asm"}, {"org/jetbrains/annotations/", "annotations"},
        {"org/intellij/lang/annotations/", "annotations"}, {"org/antlr/", "antlr4-runtime"},
        {"com/amazonaws/services/s3/", "aws-java-sdk-s3"}, {"com/amazonaws/services/kms/", "aws-java-sdk-kms"},
        {"com/amazonaws/services/securitytoken/", "aws-java-sdk-sts"}, {"com/amazonaws/jmespath/", "jmespath-java"},
        {"com/amazonaws/", "aws-java-sdk-core"}, {"org/bouncycastle/", "bcprov-jdk18on"}, {"bsh/", "bsh"},
        {"io/usethesource/capsule/", "capsule"}, {"org/apache/commons/codec/", "commons-codec"},
        {"org/apache/commons/compress/", "commons-compress"}, {"org/apache/commons/io/", "commons-io"},
        {"org/apache/commons/lang3/", "commons-lang3"}, {"org/apache/commons/lang/", "commons-lang"},
        {"org/apache/commons/logging/", "jcl-over-slf4j"}, {"com/dd/plist/", "dd-plist"}, {"net/i2p/crypto/", "eddsa"},
        {"com/google/common/util/concurrent/internal/", "failureaccess"}, {"com/google/common/", "guava"},
        {"com/google/thirdparty/", "guava"}, {"com/google/errorprone/", "guava"},
        {"it/unimi/dsi/fastutil/", "fastutil"}, {"com/google/gson/", "gson"},
        {"com/google/api/services/storage/", "google-api-services-storage-v1-rev20220705"},
        {"com/google/api/client/googleapis/", "google-api-client"},
        {"com/google/api/client/auth/", "google-oauth-client"}, {"com/google/api/", "google-http-client"},
        {"io/grpc/", "grpc-context"}, {"org/hamcrest/", "hamcrest-core"}, {"org/apache/http/", "httpclient"},
        {"mozilla/", "httpclient"}, {"org/apache/ivy/", "ivy"},
        {"com/fasterxml/jackson/annotation/", "jackson-annotations"}, {"com/fasterxml/jackson/core/", "jackson-core"},
        {"com/fasterxml/jackson/", "jackson-databind"}, {"org/fusesource/", "jansi"}, {"META-INF/native/", "jansi"},
        {"com/googlecode/jatl/", "jatl"}, {"com/github/javaparser/", "javaparser-core"},
        {"javax/inject/", "javax.inject"}, {"jcifs/", "jcifs"}, {"com/beust/jcommander/", "jcommander"},
        {"org/joda/time/", "joda-time"}, {"com/jcraft/", "jsch"}, {"org/jsoup/", "jsoup"},
        {"javax/annotation/", "jsr305"}, {"org/slf4j/bridge/", "jul-to-slf4j"}, {"org/slf4j/", "slf4j-api"},
        {"org/apache/log4j/", "log4j-over-slf4j"}, {"org/junit/platform/commons/", "junit-platform-commons"},
        {"org/junit/platform/engine/", "junit-platform-engine"},
        {"org/junit/platform/launcher/", "junit-platform-launcher"}, {"org/junit/", "junit"}, {"junit/", "junit"},
        {"kotlinx/serialization/json/", "kotlinx-serialization-json-jvm"},
        {"kotlinx/serialization/", "kotlinx-serialization-core-jvm"}, {"com/esotericsoftware/minlog/", "minlog"},
        {"com/esotericsoftware/", "kryo"}, {"org/objenesis/", "objenesis"}, {"org/apache/maven/", "maven-model"},
        {"io/opencensus/contrib/http/", "opencensus-contrib-http-util"}, {"io/opencensus/", "opencensus-api"},
        {"org/opentest4j/", "opentest4j"}, {"org/eclipse/jgit/", "org.eclipse.jgit"},
        {"org/codehaus/plexus/components/", "plexus-sec-dispatcher"},
        {"org/sonatype/plexus/components/cipher/", "plexus-cipher"}, {"org/sonatype/plexus/", "plexus-sec-dispatcher"},
        {"org/codehaus/plexus/", "plexus-utils"}, {"com/thoughtworks/qdox/", "qdox"},
        {"org/yaml/snakeyaml/", "snakeyaml"}, {"org/apache/sshd/", "sshd-core"}, {"org/testng/", "testng"},
        {"com/beust/testng/", "testng"}, {"testng", "testng"}, {"org/tomlj/", "tomlj"}, {"gnu/trove/", "trove4j"},
        {"org/h2/", "h2"}, {"com/zaxxer/hikari/", "HikariCP"}, {"javax/xml/", "xml-apis"}, {"org/w3c/dom/", "xml-apis"},
        {"org/xml/sax/", "xml-apis"}, {"org/apache/xmlcommons/", "xml-apis"},
        {"net/rubygrapefruit/platform/internal/jni/fileevents", "file-events"},
        {"net/rubygrapefruit/", "native-platform"},
    };

    /** Of no use here: taken from the real artifacts instead, or not read by anything. */
    private static final List<String> SKIPPED = List.of(
        "groovy/", "org/codehaus/groovy/", "org/apache/groovy/", "META-INF/groovy/", "META-INF/maven/",
        "META-INF/versions/", "META-INF/proguard/", "META-INF/com.android.tools/", "META-INF/sisu/");
    /** Native libraries of other systems, and signatures that no longer fit. */
    private static final Pattern USELESS = Pattern.compile(
        "(net/rubygrapefruit/platform/|META-INF/native/)(osx|windows|freebsd).*|META-INF/[^/]+\\.(SF|RSA|DSA|EC)|module-info\\.class");

    private final String kotlin;
    private final String version;
    /** Jars to be, by their names without versions: entry by entry. */
    private final Map<String, TreeMap<String, byte[]>> jars = new TreeMap<>();
    /** Modules and their classpath properties: `projects` and `runtime`, separated by commas. */
    private final Map<String, Properties> modules = new TreeMap<>();
    /** The merged META-INF/services. */
    private final Map<String, String> services = new TreeMap<>();

    private Assemble(String version, String kotlin) {
        this.version = version;
        this.kotlin = kotlin;
    }

    public static void main(String[] args) throws IOException {
        Assemble gradle = new Assemble(args[4], args[5]);
        gradle.cut(Path.of(args[0]));
        gradle.splitServices();
        gradle.addStandIns(Path.of(args[2]));
        gradle.keepPluginsThatAreHere();
        gradle.writeLibraries(Path.of(args[1]), Path.of(args[3], "lib"));
        gradle.writeModules(Path.of(args[3], "lib"));
    }

    /** Reads the one jar into `jars`, `modules` and `services`. */
    private void cut(Path one) throws IOException {
        Map<String, byte[]> pending = new LinkedHashMap<>();
        String module = null;
        try (ZipInputStream in = new ZipInputStream(new BufferedInputStream(Files.newInputStream(one), 1 << 20))) {
            for (ZipEntry entry; (entry = in.getNextEntry()) != null; ) {
                String name = entry.getName();
                boolean moved = name.startsWith(MOVED);
                boolean isClass = name.endsWith(".class");
                if (entry.isDirectory() || moved && !isClass) continue; // a moved resource is a second copy
                String own = moved ? name.substring(MOVED.length()) : name;
                if (SKIPPED.stream().anyMatch(own::startsWith) || USELESS.matcher(own).matches()) continue;
                byte[] bytes = in.readAllBytes();
                if (own.startsWith("META-INF/services/")) {
                    services.put(back(own), back(new String(bytes, StandardCharsets.UTF_8)));
                    continue;
                }
                // The shading's own code names the packages that things are moved to; it means what it says.
                if (isClass) bytes = moveBack(bytes, !name.startsWith("org/gradle/api/internal/runtimeshaded/"));

                Matcher properties = MODULE.matcher(name);
                if (properties.matches()) {
                    module = properties.group(1);
                    modules.put(module, load(bytes));
                    put(module, name, bytes);
                    for (Map.Entry<String, byte[]> of : pending.entrySet()) put(module, of.getKey(), of.getValue());
                    pending.clear();
                } else if (name.startsWith("org/gradle/") && !moved || name.startsWith("org/slf4j/impl/")) {
                    if (isClass) pending.put(name, bytes);
                    else put(module, name, bytes);
                } else {
                    String library = library(own);
                    if (library == null) library = isClass ? "commons-lang3" : module; // any jar will do for a stray class
                    put(library, own, bytes);
                }
            }
        }
        if (!pending.isEmpty()) throw new IllegalStateException("classes after the last module: " + pending.keySet());
    }

    /** Gives each service provider to the jar that holds its class. */
    private void splitServices() {
        Map<String, String> holder = new HashMap<>();
        jars.forEach((jar, entries) -> entries.keySet().forEach(name -> holder.put(name, jar)));
        services.forEach((file, text) -> {
            for (String line : text.split("\n")) {
                String provider = line.replaceAll("#.*", "").trim();
                String jar = holder.get(provider.replace('.', '/') + ".class");
                if (jar != null) jars.get(jar).merge(file, (provider + "\n").getBytes(StandardCharsets.UTF_8), Assemble::joined);
            }
        });
    }

    /** Adds the modules that the published jar leaves out. */
    private void addStandIns(Path classes) throws IOException {
        addStandIn("gradle-installation-beacon", classes, "org/gradle/internal/installation/beacon/", "");
        addStandIn("gradle-java-compiler-plugin", classes, "org/gradle/internal/compiler/java/", "");
        addStandIn("gradle-instrumentation-agent", classes, "org/gradle/instrumentation/agent/", "");
        addStandIn("gradle-kotlin-runtime", classes, "org/gradle/kotlin/runtime/",
            "kotlin-stdlib-" + kotlin + ".jar,kotlin-reflect-" + kotlin + ".jar");
        put("gradle-kotlin-runtime", "META-INF/services/org.gradle.initialization.GradleApiSpecProvider",
            "org.gradle.kotlin.runtime.KotlinApiSpec\n".getBytes(StandardCharsets.UTF_8));
        // `gradle --version` reads it.
        put("gradle-launcher", "gradle-kotlin-dsl-versions.properties",
            ("provider=none\nkotlin=" + kotlin + "\n").getBytes(StandardCharsets.UTF_8));
    }

    private void addStandIn(String module, Path classes, String directory, String runtime) throws IOException {
        byte[] properties = ("projects=\nruntime=" + runtime + "\n").getBytes(StandardCharsets.UTF_8);
        modules.put(module, load(properties));
        put(module, module + "-classpath.properties", properties);
        try (DirectoryStream<Path> files = Files.newDirectoryStream(classes.resolve(directory))) {
            for (Path file : files) put(module, directory + file.getFileName(), Files.readAllBytes(file));
        }
    }

    /** Takes from Gradle's lists of plugin modules what is not here. */
    private void keepPluginsThatAreHere() throws IOException {
        Set<String> missing = new TreeSet<>();
        for (String list : List.of("gradle-plugins.properties", "gradle-implementation-plugins.properties")) {
            for (TreeMap<String, byte[]> entries : jars.values()) {
                if (!entries.containsKey(list)) continue;
                StringJoiner here = new StringJoiner(",", "plugins=", "\n");
                for (String module : load(entries.get(list)).getProperty("plugins").split(",")) {
                    if (modules.containsKey(module)) here.add(module);
                    else missing.add(module);
                }
                if (list.startsWith("gradle-implementation")) here.add("gradle-kotlin-runtime");
                entries.put(list, here.toString().getBytes(StandardCharsets.UTF_8));
            }
        }
        System.out.println(modules.size() + " modules of Gradle; not to be had: " + String.join(", ", missing));
    }

    /** Writes every jar that some module's `runtime` asks for. */
    private void writeLibraries(Path real, Path lib) throws IOException {
        Files.createDirectories(lib);
        Map<String, String> wanted = new TreeMap<>(); // name without version -> file name
        for (String module : modules.keySet()) {
            for (String file : list(module, "runtime")) wanted.put(file.replaceAll("-\\d.*\\.jar$", ""), file);
        }
        for (String jar : jars.keySet()) {
            if (!modules.containsKey(jar) && !wanted.containsKey(jar)) throw new IllegalStateException("no module wants " + jar);
        }
        for (Map.Entry<String, String> library : wanted.entrySet()) {
            TreeMap<String, byte[]> entries = jars.get(library.getKey());
            Path file = lib.resolve(library.getValue());
            Path ready = real.resolve(library.getValue());
            if (entries == null && Files.exists(ready)) Files.copy(ready, file);
            else write(file, entries == null ? new TreeMap<>() : entries, Map.of()); // empty: another jar has its classes
        }
    }

    /** Writes each module's jar: what the launcher needs in lib/, plugins below it. */
    private void writeModules(Path lib) throws IOException {
        Set<String> core = needed("gradle-launcher");
        core.addAll(List.of("gradle-installation-beacon", "gradle-runtime-api-info"));
        for (String module : modules.keySet()) {
            Path directory = core.contains(module) ? lib : lib.resolve("plugins");
            Map<String, String> manifest = Map.of();
            if (module.equals("gradle-launcher")) { // the jar that is started
                manifest = Map.of("Class-Path", launcherClassPath());
            } else if (module.equals("gradle-instrumentation-agent")) {
                directory = lib.resolve("agents");
                manifest = Map.of("Premain-Class", "org.gradle.instrumentation.agent.Agent");
            }
            Files.createDirectories(directory);
            write(directory.resolve(module + "-" + version + ".jar"), jars.get(module), manifest);
        }
    }

    private String launcherClassPath() {
        Set<String> libraries = new TreeSet<>();
        StringJoiner path = new StringJoiner(" ");
        for (String module : needed("gradle-launcher")) {
            libraries.addAll(list(module, "runtime"));
            if (!module.equals("gradle-launcher")) path.add(module + "-" + version + ".jar");
        }
        path.add("gradle-installation-beacon-" + version + ".jar");
        libraries.forEach(path::add);
        return path.toString();
    }

    /** A module and all that it needs, itself or by another. */
    private Set<String> needed(String start) {
        Set<String> seen = new LinkedHashSet<>();
        Deque<String> todo = new ArrayDeque<>(List.of(start));
        while (!todo.isEmpty()) {
            String module = todo.poll();
            if (modules.containsKey(module) && seen.add(module)) todo.addAll(list(module, "projects"));
        }
        return seen;
    }

    private List<String> list(String module, String key) {
        List<String> names = new ArrayList<>(Arrays.asList(modules.get(module).getProperty(key, "").split(",")));
        names.removeIf(String::isEmpty);
        return names;
    }

    private void put(String jar, String name, byte[] bytes) {
        jars.computeIfAbsent(jar, key -> new TreeMap<>()).putIfAbsent(name, bytes);
    }

    private static String library(String name) {
        for (String[] library : LIBRARIES) if (name.startsWith(library[0])) return library[1];
        return null;
    }

    private static String back(String text) {
        return text.replace(MOVED, "").replace(MOVED_DOT, "");
    }

    private static byte[] moveBack(byte[] bytes, boolean strings) {
        ClassWriter out = new ClassWriter(0);
        new ClassReader(bytes).accept(new ClassRemapper(out, new Remapper() {
            @Override
            public String map(String name) {
                return name.startsWith(MOVED) ? name.substring(MOVED.length()) : name;
            }

            @Override
            public Object mapValue(Object value) {
                if (value instanceof String) return strings ? back((String) value) : value;
                return super.mapValue(value);
            }
        }), 0);
        return out.toByteArray();
    }

    private static Properties load(byte[] bytes) throws IOException {
        Properties properties = new Properties();
        properties.load(new ByteArrayInputStream(bytes));
        return properties;
    }

    private static byte[] joined(byte[] first, byte[] second) {
        byte[] both = Arrays.copyOf(first, first.length + second.length);
        System.arraycopy(second, 0, both, first.length, second.length);
        return both;
    }

    private static void write(Path file, TreeMap<String, byte[]> entries, Map<String, String> attributes) throws IOException {
        Manifest manifest = new Manifest();
        manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
        attributes.forEach(manifest.getMainAttributes()::putValue);
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        manifest.write(bytes);
        try (ZipOutputStream out = new ZipOutputStream(new BufferedOutputStream(Files.newOutputStream(file)))) {
            write(out, "META-INF/MANIFEST.MF", bytes.toByteArray());
            for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
                if (!entry.getKey().equals("META-INF/MANIFEST.MF")) write(out, entry.getKey(), entry.getValue());
            }
        }
    }

    private static void write(ZipOutputStream out, String name, byte[] bytes) throws IOException {
        ZipEntry entry = new ZipEntry(name);
        entry.setTimeLocal(LocalDateTime.of(1980, 2, 1, 0, 0)); // the same bytes every time
        out.putNextEntry(entry);
        out.write(bytes);
        out.closeEntry();
    }
}
