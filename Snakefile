# varbench: datasets x defenses x attacks x recommenders, from images to the paper's tables.
# Configuration: config.yaml, explained and checked by resources/config.schema.yaml.

from pathlib import Path

from snakemake.utils import min_version

min_version("9.20")


configfile: Path(workflow.basedir) / "config.yaml"


report: "src/varbench/reporting/captions/workflow.rst"


include: "rules/common.smk"
include: "rules/catalogues.smk"
include: "rules/extractors.smk"
include: "rules/attacks.smk"
include: "rules/recommenders.smk"
include: "rules/tables.smk"
include: "rules/published.smk"
include: "rules/figures.smk"
include: "rules/ablation.smk"
include: "rules/tuning.smk"
include: "rules/plan.smk"
include: "rules/fetch.smk"


onstart:
    if workflow.is_main_process:
        _IOFile.checksum = checksums.remember(_IOFile.checksum)
    if workflow.is_main_process and workflow.local_exec:
        # A limit of how many jobs start in a second lets each pass of the scheduler over the
        # waiting jobs set a timer for another pass: they add up, to most of what Snakemake does.
        workflow.scheduler.job_rate_limiter = None
        # Jobs of this machine need not import what is slow, each again; a plan is no command.
        if not GPU and any(job.is_shell for job in workflow.dag.needrun_jobs()):
            warm.start(BASE / "workflow" / "scripts")


onsuccess:
    if workflow.is_main_process:
        print(SET.where_results_are(RESULTS), file=sys.stderr)


wildcard_constraints:
    threat=one_of(GRID.names["threat"]),
    catalogue=one_of(config["catalogues"]),
    dataset=one_of(config["datasets"]),
    defense=one_of(config["defenses"]),
    attack=one_of(config["attacks"]),
    recommender=one_of(config["recommenders"]),
    run=r"shared|\d+",
    seed=r"\d+",


rule all:
    default_target: True
    input:
        rules.render_tables.output,
        rules.draw_figures.output,
        expand(rules.draw_examples.output, dataset=GRID.names["dataset"]),
        rules.make_page.output,
        rules.aggregate_extractors.output,
        rules.compare_published.output if COMPARES else [],
    localrule: True


if workflow.is_main_process:
    if wrong := next(targets.unknown(targets.given(), workflow.rules), None):
        raise WorkflowError(wrong)
