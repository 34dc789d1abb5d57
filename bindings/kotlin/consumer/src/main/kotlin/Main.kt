import dev.altair.core.Altair
import kotlinx.coroutines.runBlocking

fun main(args: Array<String>) = runBlocking {
    val altair = Altair.open(args.single())
    println(altair.capture("Water the figs on Friday"))
}
