import dev.altair.core.Altair
import dev.altair.core.use
import kotlinx.coroutines.runBlocking

fun main(args: Array<String>) = runBlocking {
    Altair.open(args.single()).use { altair ->
        println(altair.inbox.capture("Water the figs on Friday"))
    }
}
