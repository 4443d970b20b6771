BeforeAll {
    Import-Module $PSScriptRoot/TestHelper.psm1 -Force
    Import-BuiltModule
    $site = Start-AlloyScanSampleSite -Devices 20
    $null = $site | Connect-AlloyScan
    $store = Join-Path $TestDrive 'notify.db'
    $null = New-AlloyScanSyncJob HQ -Store $store

    # A free port on which nobody listens once it is given back.
    function Get-FreePort {
        $listener = [System.Net.Sockets.TcpListener]::new([System.Net.IPAddress]::Loopback, 0)
        $listener.Start()
        $listener.LocalEndpoint.Port
        $listener.Stop()
    }

    # Answers one request and gives back its body.
    function Open-Receiver {
        param([int] $Port)

        $listener = [System.Net.HttpListener]::new()
        $listener.Prefixes.Add("http://127.0.0.1:$Port/")
        $listener.Start()
        $shell = [powershell]::Create().AddScript({
                param($listener)
                $context = $listener.GetContext()
                $reader = [System.IO.StreamReader]::new($context.Request.InputStream)
                @{ Method = $context.Request.HttpMethod; Path = $context.Request.RawUrl; Body = $reader.ReadToEnd() }
                $context.Response.StatusCode = 204
                $context.Response.Close()
            }).AddArgument($listener)
        @{ Listener = $listener; Shell = $shell; Running = $shell.BeginInvoke() }
    }

    function Receive-Request {
        param($Receiver)

        try {
            $null = $Receiver.Running.AsyncWaitHandle.WaitOne(20000) | Should -BeTrue
            $Receiver.Shell.EndInvoke($Receiver.Running)
        }
        finally {
            $Receiver.Listener.Close()
            $Receiver.Shell.Dispose()
        }
    }
}

AfterAll {
    Get-AlloyScanConnection | Disconnect-AlloyScan
    Stop-AlloyScanSampleSite
}

Describe 'Notifications' {
    AfterEach {
        Get-AlloyScanNotification -Store $store | Remove-AlloyScanNotification
    }

    It 'tells a webhook how a run ended' {
        $port = Get-FreePort
        $receiver = Open-Receiver $port
        $made = New-AlloyScanNotification ops -Uri "http://127.0.0.1:$port/hook/abc-hidden" -On Success -Job H* -Store $store
        $made.PSTypeNames[0] | Should -Be 'AlloyScan.Engine.Reporting.Notification'
        $run = Invoke-AlloyScanSync HQ -Store $store
        $request = Receive-Request $receiver
        $request.Method | Should -Be 'POST'
        $request.Path | Should -Be '/hook/abc-hidden'
        $told = $request.Body | ConvertFrom-Json
        $told.event | Should -Be 'Success'
        $told.id | Should -Be $run.Id
        $told.devices_read | Should -Be $run.DevicesRead
        (Get-AlloyScanNotification ops -Store $store).LastSentAt | Should -Not -BeNullOrEmpty
    }

    It 'warns of a receiver that is not there, and the run is none the worse' {
        $null = New-AlloyScanNotification ops -Uri "http://127.0.0.1:$(Get-FreePort)/hidden-path" -On Success -Store $store
        $run = Invoke-AlloyScanSync HQ -Store $store -WarningVariable warnings -WarningAction SilentlyContinue
        $run.Status | Should -Be 'Succeeded'
        "$warnings" | Should -BeLike "*'ops' was not sent: 127.0.0.1 cannot be reached*"
        "$warnings $(Get-AlloyScanNotification -Store $store | Format-List * | Out-String)" | Should -Not -Match 'hidden-path'
    }

    It 'tries all that are piped' {
        $null = New-AlloyScanNotification a -Uri "http://127.0.0.1:$(Get-FreePort)/" -Store $store
        $null = New-AlloyScanNotification b -Kind Slack -UriVariable ALLOYSCAN_TEST_UNSET -Store $store
        $results = Get-AlloyScanNotification -Store $store | Test-AlloyScanNotification
        $results.Name | Should -Be 'a', 'b'
        $results.Sent | Should -Be $false, $false
        $results[1].Error | Should -BeLike "The address of the notification 'b' cannot be had. The environment variable 'ALLOYSCAN_TEST_UNSET'*the account '*Set-AlloyScanNotification*"
        (Test-AlloyScanNotification a -Store $store).Tries | Should -Be 3
    }

    It 'reads an address from a file' {
        $port = Get-FreePort
        $receiver = Open-Receiver $port
        Set-Content (Join-Path $TestDrive 'address.txt') "http://127.0.0.1:$port/from-file"
        Push-Location $TestDrive
        try {
            $null = New-AlloyScanNotification beat -Kind Heartbeat -UriFile address.txt -Store $store
        }
        finally {
            Pop-Location
        }

        (Test-AlloyScanNotification beat -Store $store).Sent | Should -BeTrue
        $request = Receive-Request $receiver
        $request.Method | Should -Be 'GET'
        $request.Path | Should -Be '/from-file'
    }

    It 'makes a mail with all its settings and changes them' {
        $credential = [pscredential]::new('sync', (ConvertTo-SecureString 'mail-pass-w0rd' -AsPlainText -Force))
        $mail = New-AlloyScanNotification it -SmtpServer smtp.example.com -Port 2525 -From a@example.com -To b@example.com, c@example.com -Credential $credential -On Failure, Block -Store $store
        $mail.Kind, $mail.Host, $mail.Port, $mail.UserName | Should -Be 'Mail', 'smtp.example.com', 2525, 'sync'
        [string]$mail.On | Should -Be 'Failure, Block'
        $mail.To | Should -Be 'b@example.com', 'c@example.com'
        [IO.File]::ReadAllText($store) | Should -Not -Match 'mail-pass-w0rd'

        $changed = $mail | Set-AlloyScanNotification -To d@example.com -NewName mails -Enabled $false -PassThru
        $changed.Name, $changed.To, $changed.Enabled, $changed.UserName | Should -Be 'mails', 'd@example.com', $false, 'sync'
        (Set-AlloyScanNotification mails -Credential ([pscredential]::Empty) -NoTls -Store $store -PassThru).UserName | Should -BeNullOrEmpty
    }

    It 'changes nothing with -WhatIf' {
        New-AlloyScanNotification ops -Uri http://localhost/ -Store $store -WhatIf
        Get-AlloyScanNotification -Store $store | Should -BeNullOrEmpty
        $null = New-AlloyScanNotification ops -Uri http://localhost/ -Store $store
        Set-AlloyScanNotification ops -Enabled $false -Store $store -WhatIf
        Remove-AlloyScanNotification ops -Store $store -WhatIf
        (Get-AlloyScanNotification ops -Store $store).Enabled | Should -BeTrue
    }

    It 'says what is wrong' {
        $null = New-AlloyScanNotification ops -Uri http://localhost/ -Store $store
        Get-ErrorId { New-AlloyScanNotification OPS -Uri http://localhost/ -Store $store } | Should -Be 'NotificationExists'
        Get-ErrorId { New-AlloyScanNotification x -Uri http://hooks.example.com/ -Store $store } | Should -Be 'InsecureAddress'
        Get-ErrorId { New-AlloyScanNotification x -SmtpServer s.example.com -From a -To b@example.com -Store $store } | Should -Be 'InvalidNotification'
        Get-ErrorId { New-AlloyScanNotification x -Uri http://localhost/ -On None -Store $store } | Should -Be 'InvalidNotification'
        Get-ErrorId { Set-AlloyScanNotification ops -Store $store } | Should -Be 'NothingToSet'
        Get-ErrorId { Set-AlloyScanNotification ops -To b@example.com -Store $store } | Should -Be 'OtherNotificationKind'
        Get-ErrorId { Get-AlloyScanNotification none -Store $store } | Should -Be 'NotificationNotFound'
        Get-ErrorId { Set-AlloyScanNotification none -Enabled $false -Store $store } | Should -Be 'NotificationNotFound'
        Get-ErrorId { Remove-AlloyScanNotification none -Store $store } | Should -Be 'NotificationNotFound'
        Get-ErrorId { Test-AlloyScanNotification none -Store $store } | Should -Be 'NotificationNotFound'
    }
}
