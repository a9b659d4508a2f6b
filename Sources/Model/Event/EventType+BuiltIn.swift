extension EventType {
    /// The catalog that is always there. The order fixes the indices: new types go to the end.
    package static let builtIn: [EventType] = calls + workflows

    private static let calls: [EventType] = [
        EventType(
            name: "call.in_queue",
            title: "Call in queue",
            description: "A call waits to be placed.",
            sample: #"""
                {"callId":"call_8Kq2vR","customerNumber":"+12025550143","callStatus":"in_queue",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":0,\#
                "callDirection":"outbound","callTime":"2025-12-08T10:26:30Z"}
                """#
        ),
        EventType(
            name: "call.placed",
            title: "Call placed",
            description: "An outbound call was started.",
            sample: #"""
                {"callId":"call_8Kq2vR","customerNumber":"+12025550143","callStatus":"call_placed",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":0,\#
                "callDirection":"outbound","callTime":"2025-12-08T10:27:00Z"}
                """#
        ),
        EventType(
            name: "call.errored",
            title: "Call errored",
            description: "A call ended with an error.",
            sample: #"""
                {"callId":"call_3Tn9wC","customerNumber":"+12025550171","callStatus":"errored",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":4,\#
                "callDirection":"outbound","callTime":"2025-12-08T10:31:12Z","error":{"code":"carrier_rejected",\#
                "message":"The carrier refused the call"}}
                """#
        ),
        EventType(
            name: "call.canceled",
            title: "Call canceled",
            description: "A call was canceled before it was completed.",
            sample: #"""
                {"callId":"call_5Zp1dM","customerNumber":"+12025550128","callStatus":"canceled",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":0,\#
                "callDirection":"outbound","callTime":"2025-12-08T10:33:45Z","canceledBy":"user_42"}
                """#
        ),
        EventType(
            name: "call.expired",
            title: "Call expired",
            description: "A call was not placed or answered in time.",
            sample: #"""
                {"callId":"call_6Lx4bN","customerNumber":"+12025550186","callStatus":"expired",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":0,\#
                "callDirection":"outbound","callTime":"2025-12-08T09:00:00Z"}
                """#
        ),
        EventType(
            name: "call.completed",
            title: "Call completed",
            description: "A call was finished successfully.",
            sample: #"""
                {"callId":"call_8Kq2vR","customerNumber":"+12025550143","callStatus":"completed",\#
                "botNumber":"+12025550100","agentId":"agent_17","agentName":"Appointment Desk","callDuration":142,\#
                "callDirection":"outbound","callTime":"2025-12-08T10:27:00Z",\#
                "transcript":"Agent: Hello, I call about your visit on Friday. Customer: Three o'clock suits me.",\#
                "analysis":{"sentiment":"positive","summary":"The visit on Friday is confirmed for 15:00",\#
                "customFields":{"confirmed":true,"slot":"15:00"}},\#
                "recordingUrl":"https://recordings.example.com/call_8Kq2vR.mp3"}
                """#
        ),
    ]

    private static let workflows: [EventType] = [
        EventType(
            name: "workflow.in_queue",
            title: "Workflow in queue",
            description: "A workflow waits to be executed.",
            sample: #"""
                {"workflowId":"wf_31","workflowName":"Visit Reminders","executionId":"exec_9Hd7",\#
                "status":"in_queue","nodesExecuted":0}
                """#
        ),
        EventType(
            name: "workflow.started",
            title: "Workflow started",
            description: "The execution of a workflow has begun.",
            sample: #"""
                {"workflowId":"wf_31","workflowName":"Visit Reminders","executionId":"exec_9Hd7","status":"started",\#
                "startedAt":"2025-12-08T10:25:00Z","nodesExecuted":0}
                """#
        ),
        EventType(
            name: "workflow.node_execution",
            title: "Workflow node execution",
            description: "One node of a workflow was executed.",
            sample: #"""
                {"workflowId":"wf_31","workflowName":"Visit Reminders","executionId":"exec_9Hd7","status":"running",\#
                "startedAt":"2025-12-08T10:25:00Z","nodesExecuted":2,"node":{"nodeId":"node_2",\#
                "nodeName":"Call the customer","status":"completed","duration":142}}
                """#
        ),
        EventType(
            name: "workflow.failed",
            title: "Workflow failed",
            description: "The execution of a workflow failed.",
            sample: #"""
                {"workflowId":"wf_31","workflowName":"Visit Reminders","executionId":"exec_4Bw6","status":"failed",\#
                "startedAt":"2025-12-08T11:00:00Z","completedAt":"2025-12-08T11:00:09Z","duration":9,\#
                "nodesExecuted":1,"error":{"code":"node_failed","nodeId":"node_1",\#
                "message":"The contact list is empty"}}
                """#
        ),
        EventType(
            name: "workflow.completed",
            title: "Workflow completed",
            description: "A workflow was finished successfully.",
            sample: #"""
                {"workflowId":"wf_31","workflowName":"Visit Reminders","executionId":"exec_9Hd7",\#
                "status":"completed","startedAt":"2025-12-08T10:25:00Z","completedAt":"2025-12-08T10:34:20Z",\#
                "duration":560,"nodesExecuted":4,"results":{"callsMade":12,"emailsSent":3,"successRate":0.75}}
                """#
        ),
    ]
}
