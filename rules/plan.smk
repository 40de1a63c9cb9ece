# The target `plan`: what the configuration would cost, from the benchmarks at hand.


rule plan:
    log:
        f"{LOGS}/plan.log",
    localrule: True
    conda:
        "../envs/varbench.yaml"
    run:
        print(plan.of_workflow(workflow, "all", Path(RESULTS)))
